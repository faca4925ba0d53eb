import type { Size } from '../admission/space.ts';

/**
 * Splits what a finished instance became into what is its own and what each of its replicas added. Of one that ran
 * replicas, all growth is put down to them, for `du` cannot tell; so a request is never expected to need less than it
 * does, and nothing is counted twice. `each` is null for one that ran none.
 */
export function splitReplicas(finished: { clone: Size; final: Size; replicas: number }): {
  readonly own: Size;
  readonly each: Size | null;
} {
  const { clone, final, replicas } = finished;
  if (replicas < 1) return { own: final, each: null };
  const grown = (of: 'bytes' | 'inodes') => Math.max(0, final[of] - clone[of]);
  return {
    own: { bytes: final.bytes - grown('bytes'), inodes: final.inodes - grown('inodes') },
    each: { bytes: Math.ceil(grown('bytes') / replicas), inodes: Math.ceil(grown('inodes') / replicas) },
  };
}
