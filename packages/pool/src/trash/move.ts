import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';

/** What is in a directory's place cannot be a symbolic link, and opening it waits for nothing. */
const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const OWNER_MAY_WRITE = 0o200;

/**
 * Renames a directory into another one. That changes its `..`, for which its owner needs the right to write to it: one
 * that is read-only is opened for the moment. Throws what the filesystem throws.
 */
export async function moveDirectory(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    const directory = await open(from, FLAGS);
    try {
      const { mode } = await directory.stat();
      await directory.chmod(mode | OWNER_MAY_WRITE);
      await rename(from, to).finally(() => directory.chmod(mode));
    } finally {
      await directory.close();
    }
  }
}
