import { type Config, UnreachableError } from '@spica/core';
import { connectProducer, describeTarget, redisTargetOf, toUnreachable } from '@spica/queues';
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
