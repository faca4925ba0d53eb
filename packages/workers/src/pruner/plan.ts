import {
  type Candidate,
  canPlanLazily,
  planForRequest,
  planRetention,
  type RetentionPlan,
  type RetentionPolicy,
  retentionPolicyOf,
  type Verdict,
} from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import type { PoolContext } from '../context.ts';
import { readCandidates } from './candidates.ts';
import { type Inventory, planningInventory } from './inventory.ts';
import { findUses } from './protection.ts';

/** Who begins to use an instance within this time is found when it is about to be deleted. */
const PROCESSES_MAX_AGE_MS = 2_000;

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/** The prune jobs that plan; the others are given what to delete. */
export type PlannedPrune = Extract<PrunePayload, { cause: 'schedule' | 'operator' | 'request' | 'pressure' }>;

/** What a plan is made with. */
export type PlanContext = Pick<PoolContext, 'policy' | 'pool' | 'clock' | 'clockGuard' | 'logger'> & {
  readonly inventory: Omit<Inventory, 'begin' | 'end'>;
};

/** The plan for a prune job as things stand now, from the catalog. Changes nothing. */
export function planPrune(ctx: PoolContext, job: PlannedPrune): Promise<RetentionPlan> {
  return makePlan({ ...ctx, inventory: planningInventory(ctx) }, job);
}

/**
 * The plan for a prune job as things stand now. Changes nothing. What a lock file or a process turns out to be using is
 * protected, and planned around.
 */
export async function makePlan(ctx: PlanContext, job: PlannedPrune): Promise<RetentionPlan> {
  const used = new Map<string, Verdict>();
  const planOnce = await createPlanner(ctx, job, used);
  for (;;) {
    const plan = await planOnce();
    const found = await findUses(ctx, plan.deletes, { processesMaxAgeMs: PROCESSES_MAX_AGE_MS });
    if (found.size === 0) return plan;
    for (const [id, verdict] of found) used.set(id, verdict);
  }
}

async function createPlanner(ctx: PlanContext, job: PlannedPrune, used: ReadonlyMap<string, Verdict>) {
  const { inventory, clock, clockGuard } = ctx;
  const { instances: total, reservedSlots } = await inventory.totals();
  const policy = policyFor(ctx, job);
  const demand = {
    policy,
    now: clock.now(),
    ageRulesSuspended: await clockGuard.suspended(),
    reservedSlots,
    need: job.cause === 'request' ? job.need : NOTHING,
    shortfall: 'shortfall' in job ? job.shortfall : NOTHING,
  };
  const leasesAt = clockGuard.now();
  const protect = (candidate: Candidate): Candidate => {
    const verdict = used.get(candidate.id);
    return verdict ? { ...candidate, protectedBy: verdict } : candidate;
  };
  async function* protectedCandidates(): AsyncIterable<Candidate> {
    for await (const candidate of readCandidates(inventory, leasesAt)) yield protect(candidate);
  }
  // An operator is shown every instance; a plan that is carried out at once needs no more than it deletes.
  if (job.cause !== 'operator' && canPlanLazily(policy, await inventory.hasTtls())) {
    return () => planForRequest({ ...demand, candidates: protectedCandidates(), total });
  }
  const all = await Array.fromAsync(readCandidates(inventory, leasesAt));
  return async () => planRetention({ ...demand, instances: all.map(protect) });
}

/** The policy that a job plans by: an operator may give limits for one run. */
export function policyFor(ctx: Pick<PoolContext, 'policy'>, job: PlannedPrune): RetentionPolicy {
  const policy = retentionPolicyOf(ctx.policy.retention);
  if (job.cause !== 'operator') return policy;
  return {
    ...policy,
    maxInstances: job.maxInstances ?? policy.maxInstances,
    maxAgeMs: job.maxAgeMs ?? policy.maxAgeMs,
  };
}
