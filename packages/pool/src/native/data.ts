import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { lastError, lseek, SEEK_DATA, SEEK_HOLE } from './libc.ts';

/** What took a file's place since it was listed must not lead elsewhere, or block. */
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** A file that is gone, or may not be read, or is none any more. */
const NOT_READ = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENXIO'];

/**
 * The bytes of a file that are data and no hole, whether they are on the disk yet or not. Where a filesystem keeps no
 * account of holes, all are. 0 for what cannot be opened: whoever copies it says why. Throws what the filesystem says.
 */
export function dataBytesOf(path: Buffer): number {
  let file: number;
  try {
    file = openSync(path, READ_ONLY);
  } catch (error) {
    if (NOT_READ.includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
  try {
    let bytes = 0;
    for (const { start, end } of dataRanges(file, fstatSync(file).size, path.toString()))
      bytes += end - start;
    return bytes;
  } finally {
    closeSync(file);
  }
}

/**
 * The ranges of an open file that are data and no hole, from the first on; up to `size`, whatever it has become since.
 * `path` is for messages. Throws what the filesystem says.
 */
export function* dataRanges(
  file: number,
  size: number,
  path: string,
): Generator<{ readonly start: number; readonly end: number }> {
  for (let at = 0; at < size; ) {
    const start = seek(file, at, SEEK_DATA, path);
    if (start === null || start >= size) return;
    const end = Math.min(size, seek(file, start, SEEK_HOLE, path) ?? size);
    yield { start, end };
    at = end;
  }
}

/** Where the next data or hole begins; null where there is none before the end. */
function seek(file: number, from: number, whence: number, path: string): number | null {
  const at = Number(lseek(file, from, whence));
  if (at >= 0) return at;
  const error = lastError('lseek', path);
  if (error.code === 'ENXIO') return null;
  throw error;
}
