import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import { readHash, readJson } from './stored.ts';

const stateSchema = z.object({
  suspended: z.string().optional(),
  acceptedOffsetMs: z.coerce.number().default(0),
  confirmations: z.coerce.number().default(0),
});

const suspensionSchema = z.strictObject({
  kind: z.enum(['jump', 'offset']),
  reason: z.string(),
  aheadMs: z.number(),
  by: z.string(),
});

/** What is agreed about the clocks. */
export function createClockState(
  redis: Redis,
  keys: Keys,
): Pick<Catalog, 'clockState' | 'suspendAges' | 'confirmClock'> {
  return {
    async clockState() {
      const [[seconds, micros], stored] = await Promise.all([redis.time(), redis.hgetall(keys.clock)]);
      const { suspended, acceptedOffsetMs, confirmations } = readHash(stateSchema, keys.clock, stored);
      return {
        redisNow: Number(seconds) * 1000 + Math.floor(Number(micros) / 1000),
        suspended: suspended === undefined ? null : readJson(suspensionSchema, keys.clock, suspended),
        acceptedOffsetMs,
        confirmations,
      };
    },
    async suspendAges(suspension) {
      if (suspension === null) await redis.hdel(keys.clock, 'suspended');
      else await redis.hset(keys.clock, 'suspended', JSON.stringify(suspension));
    },
    async confirmClock(offsetMs) {
      await redis
        .multi()
        .hset(keys.clock, 'acceptedOffsetMs', offsetMs)
        .hincrby(keys.clock, 'confirmations', 1)
        .hdel(keys.clock, 'suspended')
        .exec();
      await redis.publish(keys.changed, 'clock');
    },
  };
}
