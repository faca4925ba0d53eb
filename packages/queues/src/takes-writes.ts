import { formatDuration, UnreachableError, withDeadline } from '@spica/core';
import type { Redis } from 'ioredis';
import { prefixOf } from './names.ts';
import { toRedisError } from './redis-error.ts';

/** A server that answers at all answers a single write well within this. */
const WRITE_MS = 3_000;

/** Codes of a Redis that can be reached, and takes no writes for now. */
const NO_WRITES = [
  'REDIS_OOM',
  'REDIS_MISCONF',
  'REDIS_READONLY',
  'REDIS_MASTERDOWN',
  'REDIS_NOREPLICAS',
  'REDIS_PAUSED',
];

/**
 * Why a Redis that answers takes no writes for now; null where it takes them. It is asked for a write that changes
 * nothing: only a write is refused for want of memory (a PING is not). Throws what `toRedisError` makes of any other
 * refusal. Call it on a connection of its own: one that waits for a paused server takes no further command.
 */
export async function whyNoWrites(
  redis: Redis,
  { pool, where }: { readonly pool: string; readonly where: string },
): Promise<UnreachableError | null> {
  const tried = redis.set(`${prefixOf(pool)}:write-check`, '', 'XX'); // there is no such key, so nothing is set
  try {
    await withDeadline(tried, WRITE_MS, () => paused(where));
    return null;
  } catch (error) {
    const problem = error instanceof UnreachableError ? error : toRedisError(error, where);
    if (problem && NO_WRITES.includes(problem.code)) return problem;
    throw problem ?? error;
  }
}

function paused(where: string): UnreachableError {
  return new UnreachableError(
    'REDIS_PAUSED',
    `Redis at ${where} answers, but has taken no write for ${formatDuration(WRITE_MS)}: it is paused, as during a failover: try again, or see who did that (CLIENT PAUSE)`,
  );
}
