import { type Config, UnreachableError } from '@spica/core';
import { connectProducer, describeTarget, redisTargetOf, toRedisError } from '@spica/queues';
import type { Redis } from 'ioredis';

/**
 * Runs some work with a connection that fails fast, and closes it. Throws UnreachableError: REDIS_UNREACHABLE when Redis
 * does not answer, or goes away meanwhile (where it is the embedded one, the message says who starts it), and what
 * `toRedisError` makes of an answer that refuses.
 */
export async function withRedis<T>(config: Config, work: (redis: Redis) => Promise<T>): Promise<T> {
  const target = redisTargetOf(config);
  const hint = 'socket' in target ? ': start it with `spica up`' : '';
  let redis: Redis | null = null;
  try {
    redis = await connectProducer(target);
    return await work(redis);
  } catch (error) {
    if (error instanceof UnreachableError && error.code === 'REDIS_UNREACHABLE') {
      throw new UnreachableError(error.code, error.message + hint, error.details, error);
    }
    throw toUnreachable(error, describeTarget(target), hint) ?? error;
  } finally {
    redis?.disconnect();
  }
}

/**
 * What an error says of Redis at `where`: that it went away (then `hint` ends the message), or why it refused; null where
 * the error says nothing of Redis.
 */
export function toUnreachable(error: unknown, where: string, hint = ''): UnreachableError | null {
  if (!isConnectionLost(error)) return toRedisError(error, where);
  const message = `Redis at ${where} went away (${(error as Error).message})${hint}`;
  return new UnreachableError('REDIS_UNREACHABLE', message, {}, error);
}

const LOST =
  /^Connection is closed|^Command timed out|^Stream isn't writeable|^Reached the max retries per request/;
const LOST_CODES = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH'];

/** ioredis has no one class for it: what is told apart here is a lost connection from an answer we did not like. */
function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return LOST.test(error.message) || LOST_CODES.includes(code ?? '') || syscall === 'connect';
}
