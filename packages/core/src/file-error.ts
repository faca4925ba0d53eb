import { getSystemErrorMessage } from 'node:util';
import { CheckError, SpicaError } from './errors.ts';

/** What a disk answers, by Linux's number; null where Node has a text for it. */
const OF_DISKS: ReadonlyMap<number, string | null> = new Map([
  [5, null], // EIO
  [21, 'it is a directory'], // EISDIR
  [27, null], // EFBIG
  [28, null], // ENOSPC
  [30, null], // EROFS
  [74, 'the filesystem is damaged'], // EBADMSG
  [117, 'the filesystem is damaged'], // EUCLEAN
  [122, 'disk quota exceeded'], // EDQUOT
]);

/** What is wrong, where it is something that can be told: what Spica threw on purpose, or what `toFileError` says; else null. */
export function toKnownError(error: unknown): SpicaError | null {
  return error instanceof SpicaError ? error : toFileError(error);
}

/** What an error says, for people: of a file its name, and what the system says in words. */
export function messageOf(error: unknown): string {
  return toKnownError(error)?.message ?? (error instanceof Error ? error.message : String(error));
}

/** As `messageOf`, for a sentence that names the file already. */
export function reasonOf(error: unknown): string {
  return toFileError(error) ? systemSays(error as NodeJS.ErrnoException) : messageOf(error);
}

function systemSays({ errno = 0, syscall }: NodeJS.ErrnoException): string {
  return `the system says "${OF_DISKS.get(-errno) ?? getSystemErrorMessage(errno)}" (${syscall})`;
}

/**
 * What the system answered to a call on a file, for people and without its number: CheckError FILE_FAILED, whose `details`
 * hold the path. Null for any other error. Of a file that is open already Node does not give the path: then only an
 * answer that a disk gives counts, since sockets fail with others.
 */
function toFileError(error: unknown): CheckError | null {
  if (!(error instanceof Error)) return null;
  const { errno, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (errno === undefined || syscall === undefined) return null;
  if (path === undefined && !OF_DISKS.has(-errno)) return null;
  const file = [path, dest].filter((name) => name !== undefined).join(' to ');
  const says = systemSays(error);
  return new CheckError('FILE_FAILED', file ? `${file}: ${says}` : says, { path }, error);
}
