import { FilesystemTotals, hasLanded, roomForClone, type Size, type Space } from '@spica/core';
import { filesystemOf } from '@spica/pool';
import type { Line } from './line.ts';

/** A filesystem on which this process serves pools. */
export interface Filesystem {
  /** Tells it from all others, for processes that share a Redis. */
  readonly id: string;
  readonly totals: FilesystemTotals;
  /** Who waits for a clone to end. */
  readonly waiting: Set<() => void>;
  /** The lines of this process's pools on it. */
  readonly lines: Set<Line>;
  /** The id of the pool that exchanges with other processes what is reserved on it; null for none yet. */
  sharedBy: string | null;
  /** When what other processes have reserved on it was last seen to change (`performance.now()`); null for never. */
  elsewhereChangedAt: number | null;
}

/** The filesystems of a process, one for each that a pool lies on. */
export type Filesystems = Map<string, Filesystem>;

/** The filesystem that a directory is on, the same one for all pools on it. */
export async function findFilesystem(known: Filesystems, dir: string): Promise<Filesystem> {
  const id = await filesystemOf(dir);
  const found = known.get(id) ?? {
    id,
    totals: new FilesystemTotals(),
    waiting: new Set(),
    lines: new Set(),
    sharedBy: null,
    elsewhereChangedAt: null,
  };
  known.set(id, found);
  return found;
}

/** What other processes have reserved is news of up to two exchanges ago: it may be on the disk by now, and count twice. */
const STALE_AFTER_CHANGE_MS = 5_000;

/** What of the disk may be counted twice at this moment: clones and set-ups under way, and what other processes cloned just now. */
export function countedTwiceOn({ totals, elsewhereChangedAt }: Filesystem): Size {
  const [cloning, settingUp] = [totals.cloning.size, totals.settingUp.size];
  const [bytes, inodes] = [cloning.bytes + settingUp.bytes, cloning.inodes + settingUp.inodes];
  const isStale =
    elsewhereChangedAt !== null && performance.now() - elsewhereChangedAt < STALE_AFTER_CHANGE_MS;
  if (!isStale) return { bytes, inodes };
  return { bytes: bytes + totals.elsewhere.bytes, inodes: inodes + totals.elsewhere.inodes };
}

/** A clone has ended that took room of these: those that waited for it look again. */
export function announceCloneEnd(filesystems: readonly Filesystem[]): void {
  const all = filesystems.flatMap(({ waiting }) => [...waiting]);
  for (const { waiting } of filesystems) waiting.clear();
  for (const resume of all) resume();
}

/** A filesystem that a clone takes room of. */
export interface CloneDisk {
  readonly filesystem: Filesystem;
  /** What the clone takes of it. */
  readonly size: Size;
  /** What is free on it now, and what of that is its floor. */
  read(): Promise<{ readonly space: Space; readonly floor: Size }>;
}

/** So often the disk is read anew because something landed meanwhile. */
const MOST_READINGS = 3;

/**
 * Waits until a clone may begin without crossing the floor of any of its disks, whatever the clones under way still take,
 * and calls `begin` in the same moment. Resolves with false, without having called it, where there is no room for it.
 */
export async function awaitRoomForClone(
  disks: readonly CloneDisk[],
  begin: () => void,
  signal?: AbortSignal,
): Promise<boolean> {
  for (let reading = 1; ; reading += 1) {
    signal?.throwIfAborted();
    const readings = await Promise.all(disks.map(readForClone));
    const rooms = readings.map(({ size, disk, totals }) => roomForClone(size, disk, totals));
    if (rooms.includes('none')) {
      // Growth that ended while the disk was read may not have come true: another reading tells.
      const isDoubtful = readings.some(({ disk, totals }) => hasLanded(disk, totals.landed.size));
      if (isDoubtful && reading < MOST_READINGS) continue;
      return false;
    }
    if (!rooms.includes('wait')) {
      begin();
      return true;
    }
    await cloneEnded(disks, signal);
    reading = 0;
  }
}

async function readForClone({ filesystem: { totals }, size, read }: CloneDisk) {
  const landed = totals.landed.size; // from before the disk is read
  return { size, totals, disk: { ...(await read()), landed } };
}

async function cloneEnded(disks: readonly CloneDisk[], signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const { filesystem } of disks) filesystem.waiting.add(resolve);
  signal?.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  for (const { filesystem } of disks) filesystem.waiting.delete(resolve);
}
