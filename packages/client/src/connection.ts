import { type Catalog, createCatalog } from '@spica/catalog';
import { resolveConfig } from '@spica/core';
import {
  closeQueues,
  connectObserver,
  openQueues,
  type PoolQueues,
  type RedisTarget,
  type RequestWatcher,
  redisTargetOf,
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
 * waiting. Throws UnreachableError where Redis cannot be reached at the start.
 */
export async function openConnection(target: RedisTarget, pool: string): Promise<Connection> {
  const redis: Redis = await connectObserver(target);
  const queues = openQueues(pool, redis);
  try {
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

/** `REDIS_URL`, else the Redis that `spica up` runs on this machine for this user (`SPICA_STATE_DIR`). */
export function targetFromEnvironment(env: Readonly<Record<string, string | undefined>>): RedisTarget {
  const { REDIS_URL, SPICA_STATE_DIR, XDG_STATE_HOME, HOME = '/' } = env;
  const given = { REDIS_URL, SPICA_STATE_DIR, XDG_STATE_HOME };
  const { config } = resolveConfig({ file: null, env: given, flags: {}, cwd: process.cwd(), home: HOME });
  return redisTargetOf(config);
}
