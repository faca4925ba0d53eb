import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { RetentionPolicy } from './policy.ts';
import type { RetentionPlan } from './retention-plan.ts';

const time = z.int().nullable();

/** A deletion that was decided, with what must still be true of the instance when it is carried out. */
const sealedItemSchema = z.strictObject({
  id: z.string(),
  rule: z.string(),
  spawnedAt: time,
  experiment: z.string().nullable(),
  ttlMs: z.number().nullable(),
  score: z.number().nullable(),
  lastLeasedAt: time,
});
export type SealedItem = z.infer<typeof sealedItemSchema>;

/**
 * A plan that can be put away and carried out later, exactly as it was shown. It holds the deletions alone: what the plan
 * keeps is not touched by carrying it out. Neither are ages and sizes in it, which change by themselves.
 */
export const sealedPlanSchema = z.strictObject({
  schema: z.literal('spica.plan/v1'),
  pool: z.string(),
  policy: z.strictObject({
    maxInstances: z.int(),
    maxAgeMs: z.number(),
    maxPerExperiment: z.int().nullable(),
    keepBest: z.int(),
    minAgeMs: z.number(),
    order: z.enum(['oldest', 'largest', 'least_recently_leased']),
  }),
  items: z.array(sealedItemSchema),
});
export type SealedPlan = z.infer<typeof sealedPlanSchema>;

/** Seals the deletions of a pool's plan. */
export function sealPlan(pool: string, policy: RetentionPolicy, plan: RetentionPlan): SealedPlan {
  const items = plan.deletes.map(({ id, rule, candidate }) => {
    const { spawnedAt, experiment, ttlMs, score, lastLeasedAt } = candidate;
    return { id, rule, spawnedAt, experiment, ttlMs, score, lastLeasedAt };
  });
  const { keepAfterLeaseMs: _, ...sealed } = policy; // what it keeps is judged anew
  return { schema: 'spica.plan/v1', pool, policy: sealed, items };
}

/**
 * The name of a sealed plan: the first 16 hex digits (64 bits) of the SHA-256 of its canonical JSON, which has no white
 * space and the keys of each object in order. Two plans have the same one exactly if they delete the same instances of
 * the same pool, in the same state, by the same rules of the same policy.
 */
export function digestOf(sealed: SealedPlan): string {
  return createHash('sha256').update(canonicalJson(sealed)).digest('hex').slice(0, 16);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
