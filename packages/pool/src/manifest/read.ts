import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { CheckError } from '@spica/core';

/** The largest manifest that Spica writes has a thousand parameters of ten thousand characters. */
const MOST_BYTES = 64 * 1024 * 1024;
/** An instance belongs to its runner: a link could lead outside, and opening a pipe would wait for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The bytes of a regular file in an instance; null where there is none. Throws CheckError with `code` when there is
 * something else under that name, or it cannot be read.
 */
export async function readOwnFile(path: string, code: string): Promise<Buffer | null> {
  try {
    const file = await open(path, FLAGS);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new CheckError(code, `${path}: expected a file`, { path });
      if (stat.size > MOST_BYTES) {
        throw new CheckError(code, `${path}: expected at most ${MOST_BYTES} bytes, got ${stat.size}`, {
          path,
        });
      }
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CheckError) throw error;
    const { code: errno } = error as NodeJS.ErrnoException;
    if (errno === 'ENOENT') return null;
    const is = errno === 'ELOOP' ? 'it is a symbolic link' : String(error);
    throw new CheckError(code, `${path}: expected a file that can be read: ${is}`, { path }, error);
  }
}
