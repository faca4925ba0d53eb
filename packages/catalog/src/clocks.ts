import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from './keys.ts';
import { readHash, readJson } from './stored.ts';
import type { ClockState, Suspension } from './values.ts';

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
export interface Clocks {
  /** What Redis's clock says, and what is agreed about it. */
  clockState(): Promise<ClockState>;
  /** Says why rules of age are suspended, for whoever looks and for the next start; null when they are in force. */
  suspendAges(suspension: Suspension | null): Promise<void>;
  /** An operator vouches for the host's clock, which is so far ahead of Redis's. */
  confirmClock(offsetMs: number): Promise<void>;
}

export function createClocks(redis: Redis, keys: Keys): Clocks {
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
      await redis.publish(keys.changed, 'clock confirmed');
    },
  };
}
