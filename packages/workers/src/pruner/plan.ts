import { planRetention, type RetentionPlan } from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import type { PoolContext } from '../context.ts';
import { loadCandidates, policyLimits } from './candidates.ts';

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/** The plan for a prune job as things stand now. Changes nothing. */
export async function planPrune(
  ctx: PoolContext,
  job: Exclude<PrunePayload, { cause: 'undo' }>,
): Promise<RetentionPlan> {
  const limits = policyLimits(ctx.policy);
  const policy =
    job.cause === 'operator'
      ? { maxInstances: job.maxInstances ?? limits.maxInstances, maxAgeMs: job.maxAgeMs ?? limits.maxAgeMs }
      : limits;
  const { reserved } = await ctx.catalog.ledger();
  return planRetention({
    instances: await loadCandidates(ctx),
    policy,
    now: ctx.clock.now(),
    reservedSlots: reserved.slots,
    need: job.cause === 'request' ? job.need : NOTHING,
    shortfall: job.cause === 'request' ? job.shortfall : NOTHING,
  });
}
