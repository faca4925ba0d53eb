import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { rawPath } from './raw.ts';

/** Never through a link that took the file's place, and never waiting for the other end of a pipe. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What was there when it was listed, and is not, or is another kind of thing now. */
const VANISHED = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'];

/**
 * Opens what lies at a path for reading, a real path when it was listed; null where it vanished, `moved` where a link above
 * it leads elsewhere now. Throws what the filesystem says.
 */
export function openAt(path: string, flags = 0): number | null | 'moved' {
  let file: number;
  try {
    file = openSync(rawPath(path), READ | flags);
  } catch (error) {
    return nullIfVanished(error);
  }
  const at = readlinkSync(`/proc/self/fd/${file}`, { encoding: 'buffer' });
  if (at.equals(Buffer.from(rawPath(path)))) return file;
  closeSync(file);
  return 'moved';
}

/** Null for the error of something that is not there any more. Throws others. */
export function nullIfVanished(error: unknown): null {
  if (VANISHED.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
  throw error;
}
