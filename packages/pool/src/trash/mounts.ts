import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { nullIfMissing } from '@spica/core';
import { readMounts } from '../mountinfo.ts';

/**
 * The mount points at or below a directory, bind mounts of the same filesystem included. Empty where there is no /proc,
 * or no such directory.
 */
export async function mountsBelow(path: string): Promise<string[]> {
  const dir = await nullIfMissing(realpath(path)); // the kernel knows no symbolic links on the way there
  if (dir === null) return [];
  const below = dir.endsWith(sep) ? dir : dir + sep;
  return readMounts('self')
    .map(({ point }) => point)
    .filter((point) => point === dir || point.startsWith(below));
}
