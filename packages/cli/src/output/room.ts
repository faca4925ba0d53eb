import { countOf, formatBytes } from '@spica/core';
import type { Preview } from '@spica/queues';

type Pruning = NonNullable<Preview['afterPruning']>;

/** More than these are only counted. */
const MOST_NAMED = 20;

/** What is done to make room for a request: `pruning 2 instances`, `emptying 1.0 GB of the trash`, or both. */
export function sayPruning({ instances, trash }: Pruning): string {
  const parts: string[] = [];
  const bytes = trash.reduce((sum, entry) => sum + (entry.bytes ?? 0), 0);
  if (trash.length > 0) parts.push(`emptying ${formatBytes(bytes)} of the trash`);
  if (instances.length > 0) parts.push(`pruning ${countOf(instances.length, 'instance')}`);
  return parts.join(' and ');
}

/** Their ids, those of the trash first, as they go. */
export function listGoing({ instances, trash }: Pruning): string {
  const ids = [...trash, ...instances].map(({ id }) => id);
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  return `${ids.slice(0, MOST_NAMED).join(', ')}${more}`;
}
