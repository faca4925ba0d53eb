import {
  CheckError,
  type ErrorDetails,
  type FailureKind,
  RefusedError,
  SpicaError,
  TimedOutError,
  UnreachableError,
  UsageError,
} from '@spica/core';
import * as z from 'zod';
import { InstanceGoneError, LeaseLostError } from './errors.ts';

/** The class of an error, as the last part of a problem's `type`, with what a problem of it is called. */
const TITLES = {
  usage: 'The request is not as it must be',
  refused: 'The gate said no',
  check: 'It cannot be done as things stand',
  'instance-gone': 'No such instance',
  'lease-lost': 'The lease is over',
  unreachable: 'Out of reach for now',
  timeout: 'It took longer than was to be waited for',
  unexpected: 'Something went wrong inside',
} as const;
type ProblemClass = keyof typeof TITLES;

const TYPE = 'urn:spica:problem:';

/** An error over the wire: `application/problem+json` (RFC 9457), with the fields of a SpicaError beside its own. */
export const problemSchema = z.object({
  /** `urn:spica:problem:` and the class of the error. */
  type: z.string(),
  title: z.string(),
  /** The HTTP status. */
  status: z.int(),
  /** Stable. */
  code: z.string(),
  kind: z.enum(['check', 'usage', 'refused', 'unreachable', 'timeout', 'unexpected']),
  detail: z.string(),
  /** What of the input is wrong. */
  field: z.string().optional(),
  /** Whether the same is worth another try, after `Retry-After`. */
  retryable: z.boolean(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

const STATUS_BY_KIND: Readonly<Record<FailureKind, number>> = {
  usage: 400,
  refused: 409,
  check: 422,
  unreachable: 503,
  timeout: 504,
};
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  POOL_UNKNOWN: 404,
  PLAN_UNKNOWN: 404,
  INSTANCE_UNKNOWN: 404,
  REQUEST_UNKNOWN: 404,
  TOURNAMENT_UNKNOWN: 404,
  KEY_REUSED: 409,
  PLAN_TOO_OLD: 409,
  INSTANCE_LEASED: 409,
  LEASE_EXPIRED: 409,
  LEASE_TAKEN: 409,
  LEASE_REFUSED: 409,
  MATCH_CHANGED: 409,
  REQUEST_ENDED: 409,
  PRUNE_BUSY: 409,
  INSTANCE_GONE: 410,
  INSTANCE_DELETING: 410,
  REQUEST_TOO_LARGE: 413,
  TOURNAMENT_TOO_LARGE: 413,
  RATE_LIMITED: 429,
};

/**
 * What a caller over the wire is told of an error. Of one that Spica did not throw on purpose, and of where Redis is, only
 * that it happened: neither is the caller's to know. `retryable` goes with a `Retry-After`, which whoever answers sets.
 */
export function toProblem(error: unknown): Problem {
  if (!(error instanceof SpicaError)) {
    return problemOf('unexpected', {
      status: 500,
      code: 'INTERNAL',
      kind: 'unexpected',
      detail: 'this is a bug in Spica; its log says more, under the id of this request',
    });
  }
  const { code, kind, message, details } = error;
  if (code.startsWith('REDIS_')) {
    const detail =
      'the Redis of this pool cannot be used for now; whoever runs Spica finds out why in its log';
    return problemOf('unreachable', { status: 503, code, kind: 'unreachable', detail });
  }
  const field = typeof details['field'] === 'string' ? { field: details['field'] } : {};
  const more = Object.keys(details).length > 0 ? { details } : {};
  const status = STATUS_BY_CODE[code] ?? STATUS_BY_KIND[kind];
  return problemOf(classOf(error), { status, code, kind, detail: message, ...field, ...more });
}

/** The error that a problem was made of, of the same class. One that Spica did not throw comes back as a CheckError. */
export function fromProblem({ type, code, kind, detail, details = {} }: Problem): SpicaError {
  const name = type.startsWith(TYPE) ? type.slice(TYPE.length) : '';
  if (name === 'instance-gone') return new InstanceGoneError(code, detail, details);
  if (name === 'lease-lost') {
    return new LeaseLostError(code, detail, { ...details, instance: String(details['instance'] ?? '') });
  }
  return new (kind === 'unexpected' ? CheckError : CLASS_BY_KIND[kind])(code, detail, details);
}

type ErrorClass = new (code: string, message: string, details?: ErrorDetails) => SpicaError;

const CLASS_BY_KIND: Readonly<Record<FailureKind, ErrorClass>> = {
  usage: UsageError,
  refused: RefusedError,
  check: CheckError,
  unreachable: UnreachableError,
  timeout: TimedOutError,
};

function classOf(error: SpicaError): ProblemClass {
  if (error instanceof InstanceGoneError) return 'instance-gone';
  return error instanceof LeaseLostError ? 'lease-lost' : error.kind;
}

function problemOf(name: ProblemClass, rest: Omit<Problem, 'type' | 'title' | 'retryable'>): Problem {
  const retryable = rest.kind === 'unreachable';
  return { type: `${TYPE}${name}`, title: TITLES[name], retryable, ...rest };
}
