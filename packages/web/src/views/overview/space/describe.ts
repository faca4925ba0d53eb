import type { SpaceNode } from '../../../api/views.ts';
import { bytes, countOf } from '../../../parts/format.ts';

/** A node in words: `spica-1a2b: 4.2 GB of its own, 6.0 GB expected, capped at 8.0 GB`. */
export function describe(node: SpaceNode): string {
  const parts = [
    `${bytes(node.ownBytes)} of ${node.kind === 'instance' ? 'its' : 'their'} own`,
    `${bytes(node.expectedBytes)} expected`,
    node.capBytes !== null && `capped at ${bytes(node.capBytes)}`,
    node.kind !== 'instance' && countOf(node.instances, 'instance'),
  ].filter(Boolean);
  return `${nameOf(node)}: ${parts.join(', ')}`;
}

/** What it is called: those without an experiment have no name of their own. */
export function nameOf({ name, kind }: SpaceNode): string {
  if (kind === 'rest') return 'others';
  return name === '' ? `no ${kind}` : name;
}
