import { type Config, UnreachableError } from '@spica/core';
import {
  connectProducer,
  describeTarget,
  type RedisTarget,
  redisTargetOf,
  toUnreachable,
} from '@spica/queues';
import type { Redis } from 'ioredis';

/** The same error, saying who starts a Redis that is out of reach where it is the embedded one. */
export function withHint(error: unknown, target: RedisTarget): unknown {
  const hint = 'socket' in target ? ': start it with `spica up`' : '';
  if (error instanceof UnreachableError && error.code === 'REDIS_UNREACHABLE')
    return new UnreachableError(error.code, error.message + hint, error.details, error);
  return toUnreachable(error, describeTarget(target), hint) ?? error;
}

/**
 * Runs some work with a connection that fails fast, and closes it. Throws UnreachableError: REDIS_UNREACHABLE when Redis
 * does not answer, or goes away meanwhile (where it is the embedded one, the message says who starts it), and what
 * `toRedisError` makes of an answer that refuses.
 */
export async function withRedis<T>(config: Config, work: (redis: Redis) => Promise<T>): Promise<T> {
  const target = redisTargetOf(config);
  let redis: Redis | null = null;
  try {
    redis = await connectProducer(target);
    return await work(redis);
  } catch (error) {
    throw withHint(error, target);
  } finally {
    redis?.disconnect();
  }
}
