import { BLOCK_BYTES } from '../blocks.ts';
import type { Piece } from '../clone/division.ts';
import { inThread } from '../threads/threads.ts';
import type { Entry } from './walk.ts';

/** What most filesystems give to files at least, and in steps of. */
const PAGE_BYTES = 4096;

/** An entry as it was counted. */
export interface TalliedPiece extends Piece {
  readonly isFile: boolean;
  /** Its inode number and change time, in find's words. */
  readonly seen: string;
}

export interface Totals {
  /** Hard links once. */
  readonly bytes: number;
  readonly inodes: number;
}

/**
 * Sums up a walk. Directories that come twice are counted once: the second time `add` returns null. A file that claims
 * more than it has blocks is sparse, or its blocks are not counted (yet): `read` takes for it what of it is data.
 * `onCounted` gets each entry with the bytes that it adds, at the latest in `read`: none for a further name of what was
 * counted.
 */
export function createTally(onCounted: (key: string, bytes: number) => void = () => undefined) {
  const seen = new Set<string>();
  const inodes = new Set<string>();
  const short = new Map<string, number>();
  let blockBytes = 0;
  let newestAt = 0;
  return {
    format: '%D:%i %b %s %C@ %n %m %y',
    add({ key, isDirectory, facts }: Entry): TalliedPiece | null {
      if (isDirectory && seen.has(key)) return null;
      seen.add(key);
      const [inode = '', blocks, size, changed, links, mode = '', type] = facts.split(' ');
      const isFile = type === 'f';
      const allocated = Number(blocks) * BLOCK_BYTES;
      newestAt = Math.max(newestAt, Number(changed) * 1000);
      const added = inodes.has(inode) ? 0 : allocated;
      blockBytes += added;
      if (isFile && !inodes.has(inode) && allocated < Number(size)) short.set(key, allocated);
      else onCounted(key, added);
      inodes.add(inode);
      return {
        key,
        isDirectory,
        isFile,
        bytes: allocated,
        links: Number(links),
        mode: Number.parseInt(mode, 8),
        seen: `${inode.slice(inode.indexOf(':') + 1)} ${changed}`, // a device may have another number after a restart
      };
    },
    /** What is data of the files that claim more than they have blocks. `dir`: the directory that was walked. */
    async readData(dir: string, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
      const keys = [...short.keys()];
      if (keys.length === 0) return new Map();
      const data = await inThread('data', { dir, keys }, signal);
      return new Map(keys.map((key, i) => [key, data[i] ?? 0]));
    },
    /** `data`: what `readData` found. */
    read(data: ReadonlyMap<string, number>) {
      let bytes = blockBytes;
      for (const [key, allocated] of short) {
        const whole = Math.ceil((data.get(key) ?? 0) / PAGE_BYTES) * PAGE_BYTES;
        const more = Math.max(0, whole - allocated);
        bytes += more;
        onCounted(key, allocated + more);
      }
      return { bytes, blockBytes, inodes: inodes.size, newestAt, entries: seen.size };
    },
    /** Whether exactly these were counted. */
    covers: (keys: ReadonlySet<string>) => keys.size === seen.size && keys.isSubsetOf(seen),
  };
}
