import type { Piece } from '../clone/division.ts';
import type { Entry } from './walk.ts';

/** `%b` of find counts in these, whatever the filesystem's blocks are. */
const BLOCK_BYTES = 512;

/** An entry as it was counted. */
export interface TalliedPiece extends Piece {
  readonly isFile: boolean;
  /** Its inode and change time, in find's words. */
  readonly seen: string;
}

export interface Totals {
  /** Hard links once. */
  readonly bytes: number;
  readonly inodes: number;
}

/**
 * Sums up a walk. Directories that come twice are counted once: the second time `add` returns null. `onCounted` gets
 * each entry with the bytes that it adds: none for a further name of what was counted.
 */
export function createTally(onCounted: (key: string, bytes: number) => void = () => undefined) {
  const seen = new Set<string>();
  const inodes = new Set<string>();
  let bytes = 0;
  let newestAt = 0;
  return {
    format: '%D:%i %b %C@ %n %m %y',
    add({ key, isDirectory, facts }: Entry): TalliedPiece | null {
      if (isDirectory && seen.has(key)) return null;
      seen.add(key);
      const [inode = '', blocks, changed, links, mode = '', type] = facts.split(' ');
      const allocated = Number(blocks) * BLOCK_BYTES;
      newestAt = Math.max(newestAt, Number(changed) * 1000);
      const added = inodes.has(inode) ? 0 : allocated;
      bytes += added;
      inodes.add(inode);
      onCounted(key, added);
      return {
        key,
        isDirectory,
        isFile: type === 'f',
        bytes: allocated,
        links: Number(links),
        mode: Number.parseInt(mode, 8),
        seen: `${inode} ${changed}`,
      };
    },
    read: () => ({ bytes, inodes: inodes.size, newestAt, entries: seen.size }),
    /** Whether exactly these were counted. */
    covers: (keys: ReadonlySet<string>) => keys.size === seen.size && keys.isSubsetOf(seen),
  };
}
