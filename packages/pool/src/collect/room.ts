import { realpathSync, statfsSync, statSync } from 'node:fs';
import { CheckError, floorOf, formatBytes, type PoolConfig, type Size } from '@spica/core';
import { mountOf, readMounts } from '../mountinfo.ts';
import { spaceFrom } from '../space.ts';

/** What may be taken, and what must stay free where it goes. */
export interface CollectLimits {
  readonly mostBytes: number;
  /** What `mostBytes` is called: `collect_max_gb`. */
  readonly mostFrom: string;
  /** The free space and inodes that must stay on the target's filesystem. */
  readonly floor: Pick<PoolConfig['disk'], 'minFreeSpaceGb' | 'minFreeInodesPercent'>;
  /** What must stay free instead where the target is on the same filesystem as this directory; null for no such place. */
  readonly own: { readonly dir: string; readonly keepFree: Size } | null;
}

/** Written between two looks at the disk. */
const LOOK_EVERY_BYTES = 64 * 2 ** 20;

/** Sees to it that a copy neither becomes too large nor takes the room that must stay free. */
export interface Room {
  /** Throws CheckError COLLECT_NO_ROOM where so much would cross the floor. */
  require(need: Size): void;
  /** Counts bytes before they are written. Throws COLLECT_TOO_LARGE, COLLECT_NO_ROOM. */
  take(bytes: number): void;
}

export function createRoom(dir: string, limits: CollectLimits): Room {
  const { mostBytes, mostFrom, floor, own } = limits;
  const inOwn = own !== null && deviceOf(own.dir) === deviceOf(dir);
  let taken = 0;
  let unchecked = 0;
  const require = (need: Size) => {
    const { availableBytes, freeInodes, totalInodes } = spaceFrom(statfsSync(dir));
    const keepFree = inOwn ? own.keepFree : floorOf(floor, totalInodes);
    const bytes = availableBytes - keepFree.bytes;
    if (need.bytes > bytes) {
      const found = `${formatBytes(Math.max(0, bytes))} free above the floor`;
      throw new CheckError('COLLECT_NO_ROOM', `${dir} has ${found}, ${formatBytes(need.bytes)} are needed`);
    }
    const inodes = freeInodes === null ? null : Math.max(0, freeInodes - keepFree.inodes);
    if (inodes !== null && need.inodes > inodes) {
      const found = `${inodes} inodes free above the floor`;
      throw new CheckError('COLLECT_NO_ROOM', `${dir} has ${found}, ${need.inodes} are needed`);
    }
  };
  return {
    require,
    take(bytes) {
      taken += bytes;
      unchecked += bytes;
      if (taken > mostBytes) throw tooLarge(taken, { mostBytes, mostFrom });
      if (unchecked < LOOK_EVERY_BYTES) return;
      unchecked = 0;
      require({ bytes, inodes: 1 });
    },
  };
}

/** The kernel's number for the filesystem that a directory is on: see `filesystemOf`. */
function deviceOf(dir: string): string {
  const path = realpathSync(dir);
  return mountOf(path, readMounts('self'))?.device ?? `dev-${statSync(path).dev}`;
}

/** The error for what is more than may be collected. */
export function tooLarge(
  bytes: number,
  { mostBytes, mostFrom }: Pick<CollectLimits, 'mostBytes' | 'mostFrom'>,
): CheckError {
  const found = `${formatBytes(bytes)} match, at most ${formatBytes(mostBytes)} are collected (${mostFrom})`;
  return new CheckError('COLLECT_TOO_LARGE', found);
}
