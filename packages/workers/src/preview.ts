import { type Decision, type RetentionPlan, UsageError } from '@spica/core';
import type { PoolContext } from './context.ts';
import { createLookout } from './gatekeeper/look.ts';
import { decide } from './gatekeeper/preflight.ts';
import { planPrune } from './pruner/plan.ts';
import { findStrangers, type Stranger } from './pruner/strangers.ts';

/**
 * Would a request be admitted now, and why? Changes nothing. A template that has not been prepared as it is now is
 * reckoned with at the size that its snapshot would have.
 */
export async function previewAdmission(
  ctx: PoolContext,
  { template, count }: { template: string; count: number },
): Promise<Decision & { readonly prepared: boolean }> {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UsageError('COUNT_INVALID', `count: expected a whole number of at least 1, got ${count}`);
  }
  const look = await createLookout(ctx).look(true);
  const current = await ctx.templates.current(template);
  const { decision } = await decide(ctx, current ?? (await unprepared(ctx, template)), count, look);
  return { ...decision, prepared: current !== null };
}

async function unprepared(ctx: PoolContext, template: string) {
  const { bytes, inodes } = await ctx.templates.size(template);
  return { template, allocatedBytes: bytes, inodes };
}

/** What a prune would do now, under the pool's limits or the given ones. Changes nothing. */
export async function previewPrune(
  ctx: PoolContext,
  limits: { maxInstances: number | null; maxAgeMs: number | null },
): Promise<{ readonly plan: RetentionPlan; readonly strangers: readonly Stranger[] }> {
  const plan = await planPrune(ctx, { pool: ctx.pool.name, cause: 'operator', ...limits });
  return { plan, strangers: await findStrangers(ctx) };
}
