import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from './keys.ts';
import { readHash } from './stored.ts';

/** What a pool does again and again. */
export const SCHEDULE_NAMES = ['prune', 'sample', 'reconcile'] as const;
export type ScheduleName = (typeof SCHEDULE_NAMES)[number];

/** When what repeats was last done, so that somebody notices when it stops. */
export interface Schedules {
  /** It was done, well, at `at` (epoch milliseconds). */
  noteRun(name: ScheduleName, at: number): Promise<void>;
  /** When each was last done, epoch milliseconds; without those that never were. */
  lastRuns(): Promise<Partial<Record<ScheduleName, number>>>;
}

const runsSchema = z.partialRecord(z.enum(SCHEDULE_NAMES), z.coerce.number());

export function createSchedules(redis: Redis, keys: Keys): Schedules {
  return {
    async noteRun(name, at) {
      await redis.hset(keys.schedules, name, at);
    },
    lastRuns: async () => readHash(runsSchema, keys.schedules, await redis.hgetall(keys.schedules)),
  };
}
