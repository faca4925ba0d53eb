import { getSystemErrorMessage } from 'node:util';
import { CheckError, RefusedError, SpicaError, UsageError } from '@spica/core';
import { UnrecoverableError } from 'bullmq';

const CODED = /^([A-Z][A-Z0-9_]+): ([\s\S]*)$/;

/** A failed job keeps only its message, so the message carries the code: `NO_SPACE: the disk is full …`. */
export function toJobError(error: unknown): Error {
  const said = error instanceof SpicaError ? error : fromSystem(error);
  if (said) {
    const wrapped = new UnrecoverableError(`${said.code}: ${said.message}`);
    wrapped.cause = error;
    return wrapped;
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** What the system said of a file, for people: without its name for the error; null for any other error. */
function fromSystem(error: unknown): CheckError | null {
  if (!(error instanceof Error)) return null;
  const { errno, syscall, path } = error as NodeJS.ErrnoException;
  if (errno === undefined || syscall === undefined || path === undefined) return null;
  const reason = getSystemErrorMessage(errno);
  return new CheckError('FILE_FAILED', `${path}: the system says "${reason}" (${syscall})`, { path }, error);
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
  return code === 'PAYLOAD_INVALID' ? new UsageError(code, message) : new CheckError(code, message);
}
