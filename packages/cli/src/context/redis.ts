import { type Config, UnreachableError } from '@spica/core';
import {
  connectProducer,
  describeTarget,
  type RedisTarget,
  redisTargetOf,
  toUnreachable,
} from '@spica/queues';
import type { Redis } from 'ioredis';

/** The same error, saying how to get to a Redis that is out of reach where it is the embedded one. */
export function withHint(error: unknown, target: RedisTarget): unknown {
  const hint = 'socket' in target ? `: ${wayToEmbedded(error)}` : '';
  if (error instanceof UnreachableError && error.code === 'REDIS_UNREACHABLE')
    return new UnreachableError(error.code, error.message + hint, error.details, error);
  return toUnreachable(error, describeTarget(target), hint) ?? error;
}

function wayToEmbedded(error: unknown): string {
  return isClosedToUser(error) ? AS_ITS_USER : 'start it with `spica up`';
}

/** What to do where the embedded Redis is another user's. */
export const AS_ITS_USER = 'run this as the user who runs `spica up`';

/** Whether Redis may be there, behind a socket that this user may not open. */
export function isClosedToUser(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === 'EACCES' || isClosedToUser(error.cause);
}

/**
 * Runs some work with a connection that fails fast, and closes it. Throws UnreachableError: REDIS_UNREACHABLE when Redis
 * does not answer, or goes away meanwhile (where it is the embedded one, the message says who starts it), and what
 * `toRedisError` makes of an answer that refuses.
 *
 * @param connect `connectObserver` for work that goes on while Redis is away, and with it when it is back.
 */
export async function withRedis<T>(
  config: Config,
  work: (redis: Redis) => Promise<T>,
  connect = connectProducer,
): Promise<T> {
  const target = redisTargetOf(config);
  let redis: Redis | null = null;
  try {
    redis = await connect(target);
    return await work(redis);
  } catch (error) {
    throw withHint(error, target);
  } finally {
    redis?.disconnect();
  }
}
