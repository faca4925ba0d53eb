import { type CatalogInstance, createCatalog } from '@spica/catalog';
import { type Config, UnreachableError } from '@spica/core';
import { describeTarget, redisTargetOf, whyNoWrites } from '@spica/queues';
import { withRedis } from './redis.ts';

/** Whether Redis can be used, and what it says of a pool's instances where it can only be read. */
export interface RedisProbe {
  readonly usable: boolean;
  readonly known: ReadonlyMap<string, CatalogInstance>;
}

const AWAY: RedisProbe = { usable: false, known: new Map() };
/** Who cannot be asked anything: neither for writes, nor for who leased what. */
const SILENT = ['REDIS_UNREACHABLE', 'REDIS_MASTERDOWN'];

/**
 * Looks whether Redis takes writes, and changes nothing. One that has no memory left, cannot save what it has, is a
 * replica or is paused may still know who leased what. Throws UnreachableError when it refuses for another reason: it may
 * know of leases that are not on disk.
 */
export async function probeRedis(config: Config, pool: string): Promise<RedisProbe> {
  try {
    const problem = await whyRedisTakesNoWrites(config, pool);
    return problem === null
      ? { usable: true, known: new Map() }
      : { usable: false, known: await readKnown(config, pool) };
  } catch (error) {
    if (error instanceof UnreachableError && SILENT.includes(error.code)) return AWAY;
    throw error;
  }
}

/** As `whyNoWrites`, on a connection of its own. Throws what `withRedis` throws. */
export function whyRedisTakesNoWrites(config: Config, pool: string): Promise<UnreachableError | null> {
  const where = describeTarget(redisTargetOf(config));
  return withRedis(config, (redis) => whyNoWrites(redis, { pool, where }));
}

function readKnown(config: Config, pool: string): Promise<ReadonlyMap<string, CatalogInstance>> {
  return withRedis(config, async (redis) => {
    const all = await Array.fromAsync(createCatalog({ redis, pool }).list());
    return new Map(all.map((instance) => [instance.record.id, instance]));
  });
}
