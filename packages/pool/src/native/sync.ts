import { closeSync, constants, openSync } from 'node:fs';
import { lastError, syncfs } from './libc.ts';

/**
 * Puts on the disk all that was written on the filesystem of a directory, also by others: one call, where to sync each
 * file of a tree would take one each. It waits for the disk. Throws what the kernel says, also of a write that had been
 * taken before and has failed since (Linux 5.8).
 */
export function syncFilesystem(dir: string): void {
  const fd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (syncfs(fd) !== 0) throw lastError('syncfs', dir);
  } finally {
    closeSync(fd);
  }
}
