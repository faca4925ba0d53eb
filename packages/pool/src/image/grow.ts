import { truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CheckError, formatBytes, UsageError } from '@spica/core';
import { withFileLock } from '../claim/file-lock.ts';
import type { PoolPlace } from '../marker/marker.ts';
import { readSpace } from '../space.ts';
import { requireMounted } from './show.ts';
import { readImageFile } from './superblock.ts';
import { runTool } from './tool.ts';

/** The kernel resizes a btrfs to no less. */
const LEAST_GROWN_BYTES = 2 ** 28;

/**
 * Makes an image larger, while it is in use: the file, then its loop device, then the btrfs in it. Safe to run again when
 * it was cut off. Throws UsageError IMAGE_SIZE_INVALID where it is that large already, or where the kernel would not take
 * the size; CheckError IMAGE_NO_ROOM, IMAGE_FAILED, and what `requireMounted` throws.
 */
export async function growImage(place: PoolPlace, sizeBytes: number): Promise<void> {
  const { note, device, file } = await requireMounted(place);
  await withFileLock(file, async () => {
    const found = await readImageFile(file);
    const least = Math.max(found?.sizeBytes ?? 0, (found?.btrfs?.totalBytes ?? 0) + 1);
    if (!found || sizeBytes < least) {
      throw new UsageError(
        'IMAGE_SIZE_INVALID',
        `size: expected more than the ${formatBytes(found?.sizeBytes ?? 0)} that ${file} has, got ${formatBytes(sizeBytes)}`,
        { file },
      );
    }
    if (sizeBytes < LEAST_GROWN_BYTES) {
      throw new UsageError(
        'IMAGE_SIZE_INVALID',
        `size: expected at least ${formatBytes(LEAST_GROWN_BYTES)}, to which the kernel can resize a btrfs, got ` +
          formatBytes(sizeBytes),
        { file },
      );
    }
    if (note.allocate) await allocateMore(file, sizeBytes, sizeBytes - found.allocatedBytes);
    else await truncate(file, sizeBytes);
    const what = `${file} could not be made larger`;
    await runTool(what, 'losetup', ['--set-capacity', device]);
    await runTool(what, 'btrfs', ['filesystem', 'resize', 'max', place.root]);
  });
}

async function allocateMore(file: string, sizeBytes: number, moreBytes: number): Promise<void> {
  const { availableBytes } = await readSpace(dirname(file));
  if (availableBytes < moreBytes) {
    throw new CheckError(
      'IMAGE_NO_ROOM',
      `size: ${formatBytes(moreBytes)} more are to be taken at once, but ${dirname(file)} has ` +
        `${formatBytes(availableBytes)} available`,
      { file },
    );
  }
  await runTool('its room could not be taken', 'fallocate', ['--length', String(sizeBytes), '--', file]);
}
