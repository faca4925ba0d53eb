import { type CatalogInstance, createCatalog } from '@spica/catalog';
import { type Config, UnreachableError } from '@spica/core';
import { redisRefusalOf } from '@spica/queues';
import type { Redis } from 'ioredis';
import { withRedis } from './redis.ts';

/** Whether Redis can be used, and what it says of a pool's instances where it can only be read. */
export interface RedisProbe {
  readonly usable: boolean;
  readonly known: ReadonlyMap<string, CatalogInstance>;
}

/**
 * Looks whether Redis takes writes. On a full disk it may answer, but refuse them (MISCONF): then it still knows who
 * leased what. Throws UnreachableError when it refuses for another reason: it may know of leases that are not on disk.
 */
export async function probeRedis(config: Config, pool: string): Promise<RedisProbe> {
  try {
    return await withRedis(config, async (redis) =>
      (await takesWrites(redis))
        ? { usable: true, known: new Map() }
        : { usable: false, known: await readKnown(redis, pool) },
    );
  } catch (error) {
    if (error instanceof UnreachableError && error.code === 'REDIS_UNREACHABLE')
      return { usable: false, known: new Map() };
    throw error;
  }
}

/** PING is refused just when writes are, and changes nothing. */
async function takesWrites(redis: Redis): Promise<boolean> {
  try {
    await redis.ping();
    return true;
  } catch (error) {
    if (redisRefusalOf(error)?.code === 'REDIS_MISCONF') return false;
    throw error;
  }
}

async function readKnown(redis: Redis, pool: string): Promise<ReadonlyMap<string, CatalogInstance>> {
  const all = await Array.fromAsync(createCatalog({ redis, pool }).list());
  return new Map(all.map((instance) => [instance.record.id, instance]));
}
