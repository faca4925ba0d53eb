import { FilesystemTotals, roomForClone, type Size } from '@spica/core';
import { filesystemOf, type SpaceGauge } from '@spica/pool';
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
  };
  known.set(id, found);
  return found;
}

/** A clone has ended: those that waited for its room look again. */
export function announceCloneEnd({ waiting }: Filesystem): void {
  const all = [...waiting];
  waiting.clear();
  for (const resume of all) resume();
}

/**
 * Waits until a clone of `size` may begin without crossing the floor, whatever the clones under way still take, and calls
 * `begin` in the same moment. Resolves with false, without having called it, where there is no room for it.
 */
export async function awaitRoomForClone(
  { totals, waiting }: Filesystem,
  { size, gauge, floorOf }: { size: Size; gauge: SpaceGauge; floorOf: (totalInodes: number | null) => Size },
  begin: () => void,
  signal?: AbortSignal,
): Promise<boolean> {
  for (;;) {
    signal?.throwIfAborted();
    const landed = totals.landed.size;
    const space = await gauge.read({ maxAgeMs: 0 });
    const room = roomForClone(size, { space, landed, floor: floorOf(space.totalInodes) }, totals);
    if (room === 'none') return false;
    if (room === 'begin') {
      begin();
      return true;
    }
    await cloneEnded(waiting, signal);
  }
}

async function cloneEnded(waiting: Set<() => void>, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.add(resolve);
  signal?.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  waiting.delete(resolve);
}
