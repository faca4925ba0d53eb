import { type SealedPlan, sealedPlanSchema } from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from './keys.ts';
import { readJson } from './stored.ts';

/** Kept for longer than it may be carried out, so that an old one can be told from an unknown one. */
const KEEP_SECONDS = 86_400;

const storedSchema = z.strictObject({ at: z.number(), plan: sealedPlanSchema });

/** Plans that were shown to somebody, to be carried out as they were shown. */
export interface Plans {
  /** Keeps a sealed plan, made at `at`, for whoever wants it carried out. */
  keepPlan(digest: string, plan: SealedPlan, at: number): Promise<void>;
  plan(digest: string): Promise<{ at: number; plan: SealedPlan } | null>;
}

export function createPlans(redis: Redis, keys: Keys): Plans {
  return {
    async keepPlan(digest, plan, at) {
      await redis.set(keys.plan(digest), JSON.stringify({ at, plan }), 'EX', KEEP_SECONDS);
    },
    async plan(digest) {
      const key = keys.plan(digest);
      const text = await redis.get(key);
      return text === null ? null : readJson(storedSchema, key, text);
    },
  };
}
