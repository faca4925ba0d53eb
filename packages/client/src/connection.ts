import { type Catalog, createCatalog } from '@spica/catalog';
import { resolveConfig, UsageError } from '@spica/core';
import {
  closeQueues,
  connectObserver,
  openQueues,
  type PoolQueues,
  type RedisTarget,
  type RequestWatcher,
  redisTargetOf,
  servedPools,
  watchRequests,
} from '@spica/queues';
import type { Redis } from 'ioredis';

/** A pool as a runner reaches it: its queues and its catalog, in one Redis. */
export interface Connection {
  readonly pool: string;
  readonly queues: PoolQueues;
  readonly catalog: Catalog;
  readonly watcher: RequestWatcher;
  /** Ends all of it. */
  close(): Promise<void>;
}

/**
 * Opens a pool. It lives through restarts of Redis: what is sent while that is away fails at once, what waits goes on
 * waiting. `asked`: the pool's name; null for the only one that is served there. Throws UnreachableError where Redis cannot be reached at the start.
 */
export async function openConnection(target: RedisTarget, asked: string | null): Promise<Connection> {
  const redis: Redis = await connectObserver(target);
  try {
    const pool = asked ?? (await findPool(redis));
    const queues = openQueues(pool, redis);
    const watcher = await watchRequests(queues, redis);
    const close = async () => {
      await watcher.close();
      await closeQueues(queues);
      redis.disconnect();
    };
    return { pool, queues, catalog: createCatalog({ redis, pool }), watcher, close };
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

/** The only pool that is served there. Throws UsageError POOL_AMBIGUOUS that lists them where there are several. */
async function findPool(redis: Redis): Promise<string> {
  const served = (await servedPools(redis)) ?? [];
  if (served.length <= 1) return served[0] ?? 'main';
  throw new UsageError('POOL_AMBIGUOUS', `pool: expected one of: ${served.join(', ')}; none was given`);
}

/** `REDIS_URL`, else the Redis that `spica up` runs on this machine for this user (`SPICA_STATE_DIR`). */
export function targetFromEnvironment(env: Readonly<Record<string, string | undefined>>): RedisTarget {
  const { REDIS_URL, SPICA_STATE_DIR, XDG_STATE_HOME, HOME = '/' } = env;
  const given = { REDIS_URL, SPICA_STATE_DIR, XDG_STATE_HOME };
  const { config } = resolveConfig({ file: null, env: given, flags: {}, cwd: process.cwd(), home: HOME });
  return redisTargetOf(config);
}
