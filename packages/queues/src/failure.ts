import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { CheckError, RefusedError, SpicaError, UnreachableError, UsageError } from '@spica/core';
import { UnrecoverableError } from 'bullmq';
import { toRedisError } from './redis-error.ts';

const { EDQUOT, EFBIG, EIO, ENOSPC, EROFS } = constants.errno;
const CODED = /^([A-Z][A-Z0-9_]+): ([\s\S]*)$/;

/** A failed job keeps only its message, so the message carries the code: `NO_SPACE: the disk is full …`. */
export function toJobError(error: unknown): Error {
  const said = error instanceof SpicaError ? error : fromSystem(error);
  if (said) {
    const wrapped = new UnrecoverableError(`${said.code}: ${said.message}`);
    wrapped.cause = error;
    return wrapped;
  }
  const refused = toRedisError(error, null);
  if (refused) return new Error(`${refused.code}: ${refused.message}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

/**
 * What a disk answers to a call on a file that is open already, whose path Node does not give then. Sockets fail with
 * other errors.
 */
const OF_DISKS = new Set([ENOSPC, EDQUOT, EIO, EROFS, EFBIG]);

/** What the system said of a file, for people: without its name for the error; null for any other error. */
function fromSystem(error: unknown): CheckError | null {
  if (!(error instanceof Error)) return null;
  const { errno, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (errno === undefined || syscall === undefined) return null;
  if (path === undefined && !OF_DISKS.has(-errno)) return null;
  const file = [path, dest].filter((name) => name !== undefined).join(' to ');
  const says = `the system says "${describe(errno)}" (${syscall})`;
  return new CheckError('FILE_FAILED', file ? `${file}: ${says}` : says, { path }, error);
}

/** Node has no text for EDQUOT. */
function describe(errno: number): string {
  return -errno === EDQUOT ? 'disk quota exceeded' : getSystemErrorMessage(errno);
}

/** Splits what `toJobError` joined. `code` is INTERNAL where there is none. */
export function readFailure(failedReason: string): { code: string; message: string } {
  const coded = CODED.exec(failedReason);
  return coded?.[1] && coded[2] !== undefined
    ? { code: coded[1], message: coded[2] }
    : { code: 'INTERNAL', message: failedReason };
}

/** The error that the submitter of a failed request gets to see. */
export function toRequestError(failedReason: string, rejected: boolean): SpicaError {
  const { code, message } = readFailure(failedReason);
  if (rejected) return new RefusedError(code, message);
  if (code.startsWith('REDIS_')) return new UnreachableError(code, message);
  return code === 'PAYLOAD_INVALID' ? new UsageError(code, message) : new CheckError(code, message);
}
