import { type Problem, toProblem } from '@spica/client/wire';
import { SpicaError, UsageError } from '@spica/core';
import { toUnreachable } from '@spica/queues';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHide, type Hide } from './hide.ts';
import { RateLimitedError } from './rate.ts';

/** Statuses of errors that the server alone throws. */
const STATUS: Readonly<Record<string, number>> = {
  HOST_REFUSED: 403,
  ORIGIN_REFUSED: 403,
  CSRF_REQUIRED: 403,
  ROUTE_UNKNOWN: 404,
  READ_ONLY: 405,
  MEDIA_TYPE_UNKNOWN: 415,
  RATE_LIMITED: 429,
  STREAMS_EXHAUSTED: 429,
  SERVER_BUSY: 503,
};
const TITLE: Readonly<Record<number, string>> = {
  401: 'It has to be known who calls',
  403: 'The caller may not do this',
  404: 'There is no such thing',
  429: 'Too much at once',
};
/** When it is worth another try, in seconds, where the error does not say. */
const RETRY_AFTER: Readonly<Record<number, number>> = { 429: 1, 503: 2 };

/** What a caller is told of an error. */
export function problemOf(thrown: unknown): Problem {
  const error = fromFastify(thrown) ?? toUnreachable(thrown, 'its place') ?? thrown;
  const problem = toProblem(error);
  const status = STATUS[problem.code] ?? problem.status;
  const title = TITLE[status] ?? problem.title;
  return { ...problem, title, status, retryable: status === 429 || status === 503 };
}

/**
 * Answers with `application/problem+json`. What was not thrown on purpose is logged, with the id of the request, and the
 * caller learns no more than that.
 *
 * @param hide Takes out what the caller may not see.
 */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
  hide: Hide = NOTHING_SEEN,
): FastifyReply {
  const problem = problemOf(thrown);
  if (problem.status >= 500) request.log.error({ err: thrown }, 'a call of the HTTP API failed');
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="spica"');
  const wait = thrown instanceof RateLimitedError ? thrown.retryAfterS : RETRY_AFTER[problem.status];
  if (wait !== undefined) reply.header('retry-after', String(wait));
  // Browsers keep a 410 for good where nothing else is said, and an instance that is gone may be restored.
  reply.header('cache-control', 'no-store');
  const body = JSON.stringify(hide(problem));
  return reply.code(problem.status).type('application/problem+json').send(body);
}

const NOTHING_SEEN: Hide = createHide([])({ name: '', role: 'viewer', door: 'loopback' });

/** What Fastify itself refuses, in our words; null for anything else. */
function fromFastify(thrown: unknown): SpicaError | null {
  if (thrown instanceof SpicaError || !(thrown instanceof Error)) return null;
  const { code, statusCode } = thrown as { code?: string; statusCode?: number };
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new UsageError('REQUEST_TOO_LARGE', 'body: expected at most 1,000,000 bytes', { field: 'body' });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new UsageError('MEDIA_TYPE_UNKNOWN', 'content-type: expected application/json');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new UsageError('PAYLOAD_INVALID', 'body: expected JSON, got nothing', { field: 'body' });
    case 'FST_ERR_BAD_URL':
      return new UsageError(
        'REQUEST_INVALID',
        'url: expected a path whose every % begins a valid escape, as %20',
      );
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new UsageError('REQUEST_INVALID', 'url: expected names and ids of at most 100 characters');
  }
  if (statusCode === undefined || statusCode >= 500) return null;
  return new UsageError('REQUEST_INVALID', 'the HTTP request cannot be read');
}
