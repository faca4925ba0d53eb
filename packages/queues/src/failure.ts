import {
  CheckError,
  RefusedError,
  type SpicaError,
  toKnownError,
  UnreachableError,
  UsageError,
} from '@spica/core';
import { UnrecoverableError } from 'bullmq';
import { toRedisError } from './redis-error.ts';

const CODED = /^([A-Z][A-Z0-9_]+): ([\s\S]*)$/;

/** A failed job keeps only its message, so the message carries the code: `NO_SPACE: the disk is full …`. */
export function toJobError(error: unknown): Error {
  const said = toKnownError(error);
  if (said) {
    const wrapped = new UnrecoverableError(`${said.code}: ${said.message}`);
    wrapped.cause = error;
    return wrapped;
  }
  const refused = toRedisError(error, null);
  if (refused) return new Error(`${refused.code}: ${refused.message}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
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
