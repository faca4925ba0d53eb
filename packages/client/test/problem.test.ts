import {
  CheckError,
  RefusedError,
  type SpicaError,
  TimedOutError,
  UnreachableError,
  UsageError,
} from '@spica/core';
import { expect, it } from 'vitest';
import { InstanceGoneError, leasedBy, leaseLost } from '../src/errors.ts';
import { fromProblem, problemSchema, toProblem } from '../src/problem.ts';

const ID = 'spica-0123456789ab';

it.each([
  [new UsageError('PAYLOAD_INVALID', 'request: count: expected …', { field: 'count' }), 400],
  [new UsageError('KEY_REUSED', 'key: "k" was used'), 409],
  [new UsageError('REQUEST_TOO_LARGE', 'request: expected at most …'), 413],
  [new UsageError('POOL_UNKNOWN', 'pool: no pool "x"'), 404],
  [new RefusedError('NEVER_FITS', 'asks for 11', { sum: { bytes: 1, inodes: null } }), 409],
  [new CheckError('REQUEST_UNKNOWN', 'no request'), 404],
  [new CheckError('CLONE_FAILED', 'cp said no'), 422],
  [new CheckError('UNAUTHENTICATED', 'expected a token'), 401],
  [new CheckError('FORBIDDEN', 'a viewer may not'), 403],
  [leasedBy(ID, { owner: 'me', expiresAt: 1 }), 409],
  [new InstanceGoneError('INSTANCE_UNKNOWN', 'no instance'), 404],
  [new InstanceGoneError('INSTANCE_GONE', 'deleted', { audit: { seq: 7 } }), 410],
  [leaseLost('INSTANCE_GONE', ID, 'its instance is gone'), 410],
  [leaseLost('LEASE_TAKEN', ID, 'a has taken it'), 409],
  [new UnreachableError('WORKER_UNREACHABLE', 'no worker serves pool main'), 503],
  [new UnreachableError('RATE_LIMITED', 'too many'), 429],
  [new TimedOutError('WAIT_TIMED_OUT', 'it goes on'), 504],
])('%o is the same error on the other side', (error: SpicaError, status) => {
  const problem = JSON.parse(JSON.stringify(toProblem(error)));
  expect(problem).toMatchObject({ status, code: error.code, detail: error.message });
  expect(problem.retryable).toBe([429, 503].includes(status));
  const read = fromProblem(problemSchema.parse(problem));
  expect(read.constructor).toBe(error.constructor);
  expect({ ...read }).toEqual({ ...error });
  expect(read.message).toBe(error.message);
});

it('names the field of what was wrong', () => {
  const error = new UsageError('PAYLOAD_INVALID', 'request: count: expected …', { field: 'count' });
  expect(toProblem(error)).toMatchObject({ field: 'count', type: 'urn:spica:problem:usage' });
});

it('tells nobody over the wire of what went wrong inside, nor where Redis is', () => {
  const inside = new Error('ENOENT: /home/me/secret');
  expect(toProblem(inside)).toMatchObject({ status: 500, code: 'INTERNAL', kind: 'unexpected' });
  const redis = new UnreachableError('REDIS_UNREACHABLE', 'Redis at /home/me/redis.sock is out of reach');
  expect(toProblem(redis)).toMatchObject({ status: 503, code: 'REDIS_UNREACHABLE', retryable: true });
  for (const error of [inside, redis]) expect(JSON.stringify(toProblem(error))).not.toContain('/home/me');
  expect(fromProblem(toProblem(inside))).toMatchObject({ kind: 'check', code: 'INTERNAL' });
});
