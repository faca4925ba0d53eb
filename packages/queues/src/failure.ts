import {
  CheckError,
  RefusedError,
  type SpicaError,
  toKnownError,
  UnreachableError,
  UsageError,
} from '@spica/core';
import { UnrecoverableError } from 'bullmq';
import type { RequestProgress } from './progress.ts';
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

/** What a job may fail with that was wrong with what was asked for. */
const USAGE_CODES = new Set([
  'PAYLOAD_INVALID',
  'PARAM_INVALID',
  'TEMPLATE_UNKNOWN',
  'PLAN_UNKNOWN',
  'PLAN_TOO_OLD',
  'CAP_INVALID',
]);

/**
 * The error that the submitter of a failed job gets to see.
 *
 * @param rejection How the gate said no, as the request's progress has it; null where it did not.
 */
export function toRequestError(failedReason: string, rejection: RequestProgress | null): SpicaError {
  const { code, message } = readFailure(failedReason);
  if (rejection) {
    const decision = 'decision' in rejection ? rejection.decision : undefined;
    return new RefusedError(code, message, { ...decision });
  }
  if (code.startsWith('REDIS_')) return new UnreachableError(code, message);
  return USAGE_CODES.has(code) ? new UsageError(code, message) : new CheckError(code, message);
}
