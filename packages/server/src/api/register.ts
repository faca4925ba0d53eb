import type { Transport } from '@spica/client/redis';
import { UnreachableError, UsageError } from '@spica/core';
import { parsePayload } from '@spica/queues';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type * as z from 'zod';
import { type Caller, isStillLetIn, type Known, requireCaller, unauthenticated } from '../listen/callers.ts';
import { takeJson } from './body.ts';
import { type Calls, createCalls } from './calls.ts';
import { createHide } from './hide.ts';
import { forbidden } from './own.ts';
import { sendProblem } from './problem.ts';
import { createRateLimit } from './rate.ts';
import { mayCall, sayRole } from './roles.ts';
import { Answer, type Call, type Route } from './route.ts';
import type { Streams } from './stream.ts';
import { writeStream } from './stream.ts';

export interface ApiOptions extends Known {
  readonly routes: readonly Route[];
  /** The pools by their names. */
  readonly transports: ReadonlyMap<string, Transport>;
  readonly streams: Streams;
  /** Told in each answer: whoever relies on more than the API does finds out whom they talk to. */
  readonly version: string;
  /** Calls in a minute of one token; null for no limit. */
  readonly rateLimit: number | null;
  /** Directories that callers other than operators are not to see. */
  readonly paths: readonly string[];
  /** Aborted when the server ends: streams end then, and what waits. */
  readonly ending: AbortSignal;
}

/** Most bytes of a body: a request's JSON has no more, either. */
const MOST_BODY_BYTES = 1_000_000;

/** How soon a stream ends whose token was revoked, or has expired. */
const CHECK_EVERY_MS = 2_000;

/** Serves the HTTP API `/v1`. Every call goes the same way: who calls, how often, may they, is it well formed; then the route. */
export async function registerApi(app: FastifyInstance, options: ApiOptions): Promise<void> {
  await app.register(async (scope) => {
    takeJson(scope, MOST_BODY_BYTES);
    const { rateLimit, clock, transports } = options;
    const calls = createCalls(options.ending);
    const requireRate = rateLimit === null ? null : createRateLimit(rateLimit);
    const hideFrom = createHide(options.paths);
    scope.addHook('onRequest', async (request, reply) => {
      request.caller = await requireCaller(request.caller, options);
      reply.header('spica-version', options.version);
      if (request.caller.door !== 'socket') requireRate?.(request.caller.name, clock.now());
    });
    scope.addHook('onResponse', async (request, reply) => logCall(request, reply));
    scope.setErrorHandler((error, request, reply) => {
      return sendProblem(request, reply, error, request.caller ? hideFrom(request.caller) : undefined);
    });
    for (const route of options.routes) {
      scope.route({
        method: route.method,
        url: route.path.replace(/\{(\w+)\}/, ':id'),
        config: { access: 'api' },
        ...(route.mostBodyBytes === undefined ? {} : { bodyLimit: route.mostBodyBytes }),
        exposeHeadRoute: route.handle !== undefined,
        handler: async (request, reply) => {
          const { caller } = request;
          if (caller === null) throw unauthenticated('expected a token');
          requireRole(route, caller);
          const call = readCall(route, request, reply, { caller, hide: hideFrom(caller), transports, calls });
          if (wantsStream(route, request)) return answerWithStream(route, call, reply, options);
          return answer(route, call, reply).catch((error: unknown) => {
            throw options.ending.aborted ? serverEnding() : error;
          });
        },
      });
    }
  });
}

function requireRole(route: Route, caller: Caller): void {
  if (mayCall(caller.role, route.role)) return;
  throw forbidden(sayRole(`${route.method} ${route.path}`, route.role, caller));
}

interface CallContext extends Pick<Call, 'caller' | 'hide'>, Pick<ApiOptions, 'transports'> {
  readonly calls: Calls;
}

/** Checks all that came with a call. Throws UsageError that names the field, the value and what was expected. */
function readCall(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  { caller, hide, transports, calls }: CallContext,
): Call {
  const { pool: asked, ...query } = request.query as Record<string, unknown>;
  if (asked !== undefined && !route.ofPool)
    throw new UsageError('PAYLOAD_INVALID', `query: pool: unknown`, { field: 'pool' });
  const { signal, end, done } = calls.begin();
  reply.raw.once('close', () => done(reply.raw.writableFinished));
  const pool = route.ofPool ? choosePool(transports, asked) : null;
  return {
    get pool() {
      if (pool) return pool;
      throw new TypeError(`${route.path} is about no pool`);
    },
    id: (request.params as { id?: string }).id ?? '',
    query: route.query ? check(route.query, query, 'query') : undefined,
    body: route.body ? check(route.body, request.body ?? {}, 'body') : undefined,
    headers: request.headers,
    caller,
    hide,
    signal,
    end,
  };
}

function check(schema: z.ZodType, value: unknown, where: string): unknown {
  return parsePayload(schema, value, where);
}

/** The pool that is asked for, else the only one, else `main`. Throws UsageError POOL_UNKNOWN, POOL_AMBIGUOUS. */
function choosePool(transports: ReadonlyMap<string, Transport>, asked: unknown): Transport {
  const names = [...transports.keys()];
  const name = asked ?? (names.length === 1 ? names[0] : 'main');
  const pool = typeof name === 'string' ? transports.get(name) : undefined;
  if (pool) return pool;
  const known = `expected one of: ${names.join(', ')}`;
  if (asked === undefined)
    throw new UsageError('POOL_AMBIGUOUS', `pool: ${known}; none was given`, { field: 'pool' });
  throw new UsageError('POOL_UNKNOWN', `pool: ${known}, got ${JSON.stringify(asked).slice(0, 80)}`, {
    field: 'pool',
  });
}

async function answer(route: Route, call: Call, reply: FastifyReply): Promise<unknown> {
  const answered = await route.handle?.(call);
  reply.header('cache-control', 'no-store');
  if (!(answered instanceof Answer)) return answered ?? null;
  for (const [name, value] of Object.entries(answered.headers)) reply.header(name, value);
  return reply.code(answered.status).send(answered.body);
}

/** What waited for something does not any more; whoever asked may ask whoever serves next. */
function serverEnding(): UnreachableError {
  return new UnreachableError('SERVER_ENDING', 'this server is ending: ask again in a moment');
}

function wantsStream(route: Route, { headers, method }: FastifyRequest): boolean {
  if (!route.stream || method === 'HEAD') return false;
  return route.handle === undefined || /\btext\/event-stream\b/.test(headers.accept ?? '');
}

async function answerWithStream(
  route: Route,
  call: Call,
  reply: FastifyReply,
  { streams, ...known }: Known & Pick<ApiOptions, 'streams'>,
): Promise<unknown> {
  const giveBack = streams.take(call.caller);
  const check = setInterval(async () => {
    if (!(await isStillLetIn(reply.request, known))) call.end();
  }, CHECK_EVERY_MS);
  try {
    const events = await route.stream?.(call);
    if (!events) return reply.code(204).send();
    await writeStream(reply, events, call);
    return reply;
  } finally {
    clearInterval(check);
    giveBack();
  }
}

/** What changed something is told; what only looked, in a log of the level debug. */
function logCall(request: FastifyRequest, reply: FastifyReply): void {
  const told = {
    method: request.method,
    route: request.routeOptions.url,
    status: reply.statusCode,
    caller: request.caller?.name ?? null,
    ms: Math.round(reply.elapsedTime),
  };
  request.log[request.method === 'GET' || request.method === 'HEAD' ? 'debug' : 'info'](told, 'HTTP API');
}
