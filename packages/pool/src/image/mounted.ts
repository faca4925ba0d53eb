import { realpath } from 'node:fs/promises';
import { CheckError, formatBytes, nullIfMissing } from '@spica/core';
import type { PoolPlace } from '../marker/marker.ts';
import { readMounts } from '../mountinfo.ts';
import { backingFileOf } from './loop.ts';
import { fstabLine, type ImageNote } from './place.ts';
import { readImageFile } from './superblock.ts';

/** An image that is mounted at a pool's root. */
export interface MountedImage {
  readonly device: string;
  /** The file by the name that it has now. */
  readonly file: string;
  /** It was deleted while it was mounted: what is in it is gone with the mount. */
  readonly isDeleted: boolean;
  /** Mounted so, or made so by the kernel after an error. */
  readonly isReadOnly: boolean;
}

const DELETED = ' (deleted)';

/** The image that is mounted at a root; null where none is. */
export async function mountedImage(root: string): Promise<MountedImage | null> {
  const path = await nullIfMissing(realpath(root));
  const mount = readMounts('self').findLast(({ point }) => point === path);
  const file = mount?.type === 'btrfs' ? backingFileOf(mount.source) : null;
  if (!mount || file === null) return null;
  const isDeleted = file.endsWith(DELETED);
  return {
    device: mount.source,
    file: isDeleted ? file.slice(0, -DELETED.length) : file,
    isDeleted,
    isReadOnly: mount.flags.includes('ro'),
  };
}

/** Where a device is mounted, as far as this process sees. */
export function mountPointsOf(device: string): string[] {
  return readMounts('self')
    .filter(({ source }) => source === device)
    .map(({ point }) => point);
}

/**
 * What is wrong with the file of an image that is not mounted, as a CheckError: IMAGE_MISSING, IMAGE_INVALID (no btrfs),
 * IMAGE_FOREIGN (another one than the note says), IMAGE_TRUNCATED. Null where it can be mounted.
 */
export async function diagnoseImageFile(
  { name, root }: PoolPlace,
  note: ImageNote,
): Promise<CheckError | null> {
  const { file } = note;
  const problem = (code: string, is: string) =>
    new CheckError(code, `pool ${name}: the image ${file}, which belongs at ${root}, ${is}`, { file, root });
  const found = await readImageFile(file);
  if (!found) {
    return problem(
      'IMAGE_MISSING',
      'is not there: is the disk that it lies on mounted? One that was moved is taken with ' +
        '`spica init --image-file FILE`',
    );
  }
  if (!found.btrfs) return problem('IMAGE_INVALID', 'holds no btrfs');
  const { uuid, totalBytes } = found.btrfs;
  if (uuid !== note.uuid)
    return problem('IMAGE_FOREIGN', `is another pool's: it has the id ${uuid}, expected ${note.uuid}`);
  if (found.sizeBytes >= totalBytes) return null;
  return problem(
    'IMAGE_TRUNCATED',
    `was cut off: it has ${formatBytes(found.sizeBytes)}, and the btrfs in it ${formatBytes(totalBytes)}`,
  );
}

/** Why the pool of an image is not to be seen at its root, where it is not mounted: with what to do, as a CheckError. */
export async function whyNotMounted(place: PoolPlace, note: ImageNote): Promise<CheckError> {
  const { name, root } = place;
  return (
    (await diagnoseImageFile(place, note)) ??
    new CheckError(
      'IMAGE_NOT_MOUNTED',
      `pool ${name}: its image ${note.file} is not mounted at ${root}: \`spica up\` mounts it (as root), or a line in ` +
        `/etc/fstab: \`${fstabLine(root, note)}\``,
      { file: note.file, root },
    )
  );
}
