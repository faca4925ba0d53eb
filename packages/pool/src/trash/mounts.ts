import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { readMounts } from '../mountinfo.ts';

/**
 * The mount points at or below a directory, bind mounts of the same filesystem included. Empty where there is no /proc,
 * or no such directory.
 */
export async function mountsBelow(path: string): Promise<string[]> {
  let dir: string;
  try {
    dir = await realpath(path); // the kernel knows no symbolic links on the way there
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const below = dir.endsWith(sep) ? dir : dir + sep;
  return readMounts('self')
    .map(({ point }) => point)
    .filter((point) => point === dir || point.startsWith(below));
}
