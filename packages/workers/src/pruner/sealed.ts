import {
  bestOf,
  CHOSEN,
  countOf,
  digestOf,
  recheck,
  type SealedPlan,
  sealPlan,
  UsageError,
} from '@spica/core';
import type { PoolContext } from '../context.ts';
import { readAll, readChosen } from './candidates.ts';
import { planningInventory } from './inventory.ts';
import { type LookedPlan, type PlannedPrune, planPrune, policyFor } from './plan.ts';
import type { Kept } from './removal.ts';

/** How long after it was made a plan may be carried out. */
const VALID_MS = 3_600_000;

/** Makes a plan and seals it: `spica prune --plan DIGEST` carries out exactly this one. */
export async function planAndSeal(
  ctx: PoolContext,
  job: PlannedPrune,
): Promise<{ plan: LookedPlan; digest: string }> {
  const plan = await planPrune(ctx, job);
  const sealed = sealPlan(ctx.pool.name, policyFor(ctx, job), plan);
  const digest = digestOf(sealed);
  await ctx.catalog.keepPlan(digest, sealed, ctx.clock.now());
  return { plan, digest };
}

/** What of a sealed plan still stands, and what has changed since. */
export interface RecheckedPlan {
  readonly deletes: readonly (Kept & { readonly rule: string })[];
  readonly changed: readonly Kept[];
  readonly kept: number;
  readonly sentence: string;
}

/**
 * Looks at each item of a sealed plan again. Throws UsageError PLAN_UNKNOWN, PLAN_TOO_OLD (made more than an hour ago).
 */
export async function openSealed(ctx: PoolContext, digest: string): Promise<RecheckedPlan> {
  const { plan } = await loadSealed(ctx, digest);
  const ageRulesSuspended = await ctx.clockGuard.suspended();
  const isChosen = plan.items.every(({ rule }) => rule === CHOSEN);
  const ids = plan.items.map(({ id }) => id);
  // Of what was chosen the others decide nothing; who is among the best, only all of them say.
  const all = isChosen ? await readChosen(ctx, ctx.catalog, ids) : await readAll(ctx, planningInventory(ctx));
  const total = isChosen ? await ctx.catalog.count() : all.length;
  const byId = new Map(all.map((candidate) => [candidate.id, candidate]));
  const now = ctx.clock.now();
  const best = bestOf(all, plan.policy.keepBest);
  const { keepAfterLeaseMs } = ctx.policy.retention;
  const policy = { ...plan.policy, keepAfterLeaseMs };
  const terms = { policy, now, leaseNow: ctx.clockGuard.now(), ageRulesSuspended, best };
  const deletes: { id: string; rule: string; reason: string }[] = [];
  const changed: Kept[] = [];
  for (const item of plan.items) {
    const checked = recheck(item, byId.get(item.id) ?? null, terms);
    const reason = `plan ${digest}, which deletes it by the rule "${item.rule}"`;
    if (checked.ok) deletes.push({ id: item.id, rule: item.rule, reason });
    else changed.push({ id: item.id, reason: checked.reason });
  }
  const stand = deletes.length === 1 ? 'stands' : 'stand';
  const sentence = `carries out plan ${digest}: ${deletes.length} of its ${countOf(plan.items.length, 'deletion')} still ${stand}`;
  return { deletes, changed, kept: total - deletes.length, sentence };
}

async function loadSealed(ctx: PoolContext, digest: string): Promise<{ at: number; plan: SealedPlan }> {
  const stored = await ctx.catalog.plan(digest);
  if (!stored || stored.plan.pool !== ctx.pool.name) {
    const hint = 'a dry run prints the digest of its plan';
    throw new UsageError(
      'PLAN_UNKNOWN',
      `--plan: no plan "${digest}" is known in pool ${ctx.pool.name}; ${hint}`,
    );
  }
  const ageMs = ctx.clock.now() - stored.at;
  if (ageMs >= 0 && ageMs <= VALID_MS) return stored;
  throw new UsageError(
    'PLAN_TOO_OLD',
    `--plan: plan "${digest}" was not made within the last hour: make a new one`,
  );
}
