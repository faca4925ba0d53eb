import { atSocket, openHttpTransport } from '@spica/client/http';
import { openRedisTransport, type Transport } from '@spica/client/redis';
import { type Config, UnreachableError, UsageError } from '@spica/core';
import { apiSocketOf, redisTargetOf } from '@spica/queues';
import { withHint } from './redis.ts';

/**
 * Reaches a pool of the config as a client does: through the stack of this machine, which has its list of instances in
 * memory, where it answers for that pool; else over Redis. Throws UnreachableError where neither answers.
 */
export async function openTransport(config: Config, pool: string): Promise<Transport> {
  try {
    return await openHttpTransport(atSocket(apiSocketOf(config.stateDir)), { pool });
  } catch (error) {
    const isElsewhere = error instanceof UsageError && error.code === 'POOL_UNKNOWN';
    if (!isElsewhere && !(error instanceof UnreachableError)) throw error;
  }
  const target = redisTargetOf(config);
  return openRedisTransport(target, { pool }).catch((error: unknown) => {
    throw withHint(error, target);
  });
}
