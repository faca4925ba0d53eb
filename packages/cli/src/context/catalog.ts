import type { Catalog } from '@spica/catalog';
import type { PoolConfig } from '@spica/core';
import type { Redis } from 'ioredis';
import type { Invocation } from '../io.ts';
import { type LoadedConfig, loadConfig } from './config.ts';
import { openOwnCatalog } from './own-catalog.ts';
import { choosePool } from './pool.ts';
import { withRedis } from './redis.ts';

/** A pool as far as Redis knows it; its disk may be another host's. */
export interface RemotePool {
  readonly loaded: LoadedConfig;
  readonly name: string;
  readonly policy: PoolConfig;
  readonly redis: Redis;
  readonly catalog: Catalog;
}

/** Opens the command's pool in Redis and closes it after the work. Throws what `withRedis` and `openOwnCatalog` throw. */
export async function withCatalog<T>(
  { io, options }: Invocation,
  work: (pool: RemotePool) => Promise<T>,
): Promise<T> {
  const loaded = await loadConfig(io, options);
  const policy = choosePool(loaded.config, options.pool);
  return withRedis(loaded.config, async (redis) =>
    work({ loaded, name: policy.name, policy, redis, catalog: await openOwnCatalog(redis, policy) }),
  );
}
