import { dirname } from 'node:path';
import { formatBytes, reasonOf, toKnownError } from '@spica/core';
import { readSpace } from '../space.ts';
import { type MountedImage, mountedImage } from './mounted.ts';
import { readImageFile } from './superblock.ts';

/** With less than this left, the disk that an image lies on has no room for the next thing that is written in it. */
const FULL_BYTES = 2 ** 24;

const AGAIN = 'end who uses the pool and run `spica up` again, which mounts it anew';

/** What is wrong with an image that is mounted, for people. */
export interface ImageProblem {
  readonly code:
    | 'IMAGE_DELETED'
    | 'IMAGE_DISK_FAILED'
    | 'IMAGE_TRUNCATED'
    | 'IMAGE_READ_ONLY'
    | 'IMAGE_DISK_FULL';
  readonly message: string;
}

/**
 * What is wrong with the image that is mounted at a root, though it may still seem to work; null where nothing is, and
 * where none is mounted there.
 */
export async function imageProblem(root: string): Promise<ImageProblem | null> {
  const mounted = await mountedImage(root);
  if (!mounted) return null;
  const { file, isDeleted } = mounted;
  if (isDeleted) {
    const message =
      `the image ${file} was deleted while it was mounted: all that is in it is lost as soon as it is unmounted. Copy it ` +
      `out of ${root} now`;
    return { code: 'IMAGE_DELETED', message };
  }
  try {
    return await problemOfFile(root, mounted);
  } catch (error) {
    if (toKnownError(error) === null) throw error;
    const message =
      `the disk that the image ${file} lies on fails (${reasonOf(error)}): see the kernel log (\`dmesg\`). Once it answers ` +
      `again, ${AGAIN}`;
    return { code: 'IMAGE_DISK_FAILED', message };
  }
}

/** Throws what the disk under the image answers. */
async function problemOfFile(root: string, { file, isReadOnly }: MountedImage): Promise<ImageProblem | null> {
  const found = await readImageFile(file);
  const { sizeBytes = 0, btrfs } = found ?? {};
  if (btrfs && sizeBytes < btrfs.totalBytes) {
    const message =
      `the image ${file} was cut off while it was mounted: it has ${formatBytes(sizeBytes)}, and the btrfs in it ` +
      `${formatBytes(btrfs.totalBytes)}. Copy out of ${root} what can still be read`;
    return { code: 'IMAGE_TRUNCATED', message };
  }
  const dir = dirname(file);
  const { availableBytes } = await readSpace(dir);
  const mayGrow = found !== null && found.allocatedBytes < sizeBytes;
  const isFull = mayGrow && availableBytes < FULL_BYTES;
  const full = `the disk that the image ${file} lies on is full (${formatBytes(availableBytes)} left): make room in ${dir}`;
  if (!isReadOnly) return isFull ? { code: 'IMAGE_DISK_FULL', message: full } : null;
  const message = `the image ${file} is mounted read-only, as after an error: ${isFull ? `${full}; ` : ''}then ${AGAIN}`;
  return { code: 'IMAGE_READ_ONLY', message };
}
