import { afterSilence, formatDuration, SpicaError, UnreachableError } from '@spica/core';
import { Redis, type RedisOptions } from 'ioredis';
import { toRedisError } from './redis-error.ts';
import { readRedisInfo, requireVersion, waitWhileLoading } from './serving.ts';
import { reasonOf } from './unreachable.ts';

/** How long a connection waits for Redis when it is opened. */
export const CONNECT_MS = 3_000;

/** Where a Redis is: a URL (REDIS_URL), or the unix socket of the embedded one. */
export type RedisTarget = { readonly url: string } | { readonly socket: string };

/** A Redis target as it may be shown to people: without user and password. */
export function describeTarget(target: RedisTarget): string {
  if ('socket' in target) return target.socket;
  const url = new URL(target.url);
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** Workers wait for Redis for as long as it takes and go on when it is back. */
export function connectWorker(target: RedisTarget): Redis {
  return open(target, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, 2_000),
  });
}

/**
 * A connection for producers and one-off commands: it fails fast instead of waiting.
 * Throws UnreachableError: REDIS_UNREACHABLE when Redis does not answer within 3 s, REDIS_TOO_OLD, or what
 * `toRedisError` makes of a refusal, such as REDIS_WRONGPASS or REDIS_LOADING.
 */
export async function connectProducer(target: RedisTarget): Promise<Redis> {
  return connectNow(target, {
    commandTimeout: 10_000,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => (attempt > 2 ? null : 100 * attempt),
  });
}

/**
 * A connection for who looks on for as long as it runs: commands fail at once while Redis is away and after 5 s while
 * it hangs, and it comes back with Redis. Throws what `connectProducer` throws when Redis is away at the start.
 */
export async function connectObserver(target: RedisTarget): Promise<Redis> {
  return connectNow(target, {
    commandTimeout: 5_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, 2_000),
  });
}

async function connectNow(target: RedisTarget, options: ConnectionOptions): Promise<Redis> {
  const redis = open(target, {
    lazyConnect: true,
    connectTimeout: 20 * CONNECT_MS, // what is below ends before, in a process that runs
    disconnectTimeout: 100, // one that hangs does not say goodbye either
    enableReadyCheck: false, // asked for below, with errors that say what to do
    ...options,
  });
  let last: Error | undefined;
  redis.on('error', (error: Error) => {
    last = error;
  });
  // One that hangs takes the connection and never says that it is ready.
  const endWaiting = afterSilence(CONNECT_MS, () => {
    last = new Error(`no answer within ${formatDuration(CONNECT_MS)}`);
    redis.disconnect();
  });
  const where = describeTarget(target);
  try {
    await redis.connect();
    // A database that is not there is reported only here: the connection would go on with database 0.
    if (last?.name === 'ReplyError') throw last;
    const info = await readRedisInfo(redis);
    requireVersion(info, where);
    endWaiting(); // it answers, so it does not hang
    redis.options.connectTimeout = CONNECT_MS; // of later attempts one that ends too early is made again
    await waitWhileLoading(redis, info, CONNECT_MS);
    return redis;
  } catch (error) {
    redis.disconnect();
    if (error instanceof SpicaError) throw error;
    const cause = last ?? error;
    throw toRedisError(cause, where) ?? unreachable(where, cause);
  } finally {
    endWaiting();
  }
}

function unreachable(where: string, cause: unknown): UnreachableError {
  const message = `Redis at ${where} is out of reach${reasonOf(cause)}`;
  return new UnreachableError('REDIS_UNREACHABLE', message, {}, cause);
}

type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

function open(target: RedisTarget, options: ConnectionOptions): Redis {
  return 'socket' in target ? new Redis(target.socket, options) : new Redis(target.url, options);
}
