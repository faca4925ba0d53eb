import type { Entry } from './walk.ts';

/** `%b` of find counts in these, whatever the filesystem's blocks are. */
const BLOCK_BYTES = 512;

export interface Totals {
  /** Hard links once. */
  readonly bytes: number;
  readonly inodes: number;
}

/** Sums up a walk. Directories that come twice are counted once. */
export function createTally() {
  const seen = new Set<string>();
  const inodes = new Set<string>();
  let bytes = 0;
  let newestAt = 0;
  return {
    format: '%D:%i %b %C@',
    add({ key, isDirectory, facts }: Entry): void {
      if (isDirectory && seen.has(key)) return;
      seen.add(key);
      const [inode = '', blocks, changed] = facts.split(' ');
      newestAt = Math.max(newestAt, Number(changed) * 1000);
      if (inodes.has(inode)) return;
      inodes.add(inode);
      bytes += Number(blocks) * BLOCK_BYTES;
    },
    read: () => ({ bytes, inodes: inodes.size, newestAt, entries: seen.size }),
    /** Whether exactly these were counted. */
    covers: (keys: ReadonlySet<string>) => keys.size === seen.size && keys.isSubsetOf(seen),
  };
}
