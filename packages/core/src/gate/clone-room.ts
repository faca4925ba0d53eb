import type { Amount, Size, Space } from '../admission/space.ts';
import type { FilesystemTotals } from './totals.ts';

/** Whether a clone may begin now, once others have ended, or not at all. */
export type CloneRoom = 'begin' | 'wait' | 'none';

/**
 * Whether an admitted clone leaves the floor alone, if every clone that is under way still has all of its room to take.
 * They may have taken most of it, so one that does not fit beside them waits for one to end. It has no room when it would
 * cross the floor though nobody else cloned: others took what was reserved.
 *
 * @param size What the clone allocates.
 * @param disk The disk as it was just read, and the filesystem's `landed` from before that.
 */
export function roomForClone(
  size: Size,
  disk: { readonly space: Space; readonly landed: Size; readonly floor: Size },
  totals: FilesystemTotals,
): CloneRoom {
  const { space, landed, floor } = disk;
  const { size: now } = totals.landed;
  const bytes = space.availableBytes - (now.bytes - landed.bytes) - floor.bytes - size.bytes;
  const inodes =
    space.freeInodes === null
      ? Number.POSITIVE_INFINITY
      : space.freeInodes - (now.inodes - landed.inodes) - floor.inodes - size.inodes;
  if (bytes < 0 || inodes < 0) return 'none';
  const { size: cloning } = totals.cloning;
  return bytes < cloning.bytes || inodes < cloning.inodes ? 'wait' : 'begin';
}

/**
 * What of a shortage is certain: the rest may be there only because something counts twice, such as what clones under way
 * have written, which is on the disk already and still reserved in full. Nothing is deleted for that: once they have
 * ended, it is known what is missing.
 */
export function certainShortfall(shortfall: Amount, countedTwice: Size): Amount {
  return {
    bytes: Math.max(0, shortfall.bytes - countedTwice.bytes),
    inodes: Math.max(0, shortfall.inodes - countedTwice.inodes),
    slots: shortfall.slots,
  };
}
