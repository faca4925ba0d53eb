import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';

/** Entries that are in memory at a time. */
const BUFFER = 1_000;

/**
 * What a directory holds that may have 100,000 entries. `readdir` would have the C library hold all of them at once, and
 * keep that memory for good. Throws what the filesystem says.
 */
export async function* listDirectory(path: string): AsyncGenerator<Dirent, void> {
  yield* await opendir(path, { bufferSize: BUFFER });
}
