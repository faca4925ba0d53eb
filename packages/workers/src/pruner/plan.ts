import {
  type Candidate,
  COLLECT_FAILED,
  canPlanLazily,
  planForRequest,
  planRetention,
  type RetentionPlan,
  type RetentionPolicy,
  retentionPolicyOf,
  UNDELETABLE,
  type Verdict,
} from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import { beingCollected } from '../collector/results.ts';
import type { CollectRuns } from '../collector/runs.ts';
import type { PoolContext } from '../context.ts';
import { readCandidates } from './candidates.ts';
import { type PlanningInventory, planningInventory } from './inventory.ts';
import { findUses, type Use } from './protection.ts';

/** Who begins to use an instance within this time is found when it is about to be deleted. */
const PROCESSES_MAX_AGE_MS = 2_000;

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/** The rules of what failed a moment ago, and may work now. */
const FAILED: readonly string[] = [UNDELETABLE, COLLECT_FAILED];

/** The prune jobs that plan; the others are given what to delete. */
export type PlannedPrune = Extract<PrunePayload, { cause: 'schedule' | 'operator' | 'request' | 'pressure' }>;

/** What a plan is made with. */
export type PlanContext = Pick<
  PoolContext,
  'policy' | 'pool' | 'image' | 'clock' | 'clockGuard' | 'logger'
> & {
  readonly inventory: PlanningInventory;
  readonly collectRuns?: Pick<CollectRuns, 'passedOver'>;
};

/** A plan, made with a look for what is in use. */
export type LookedPlan = RetentionPlan & Pick<Use, 'unseen'>;

/** The plan for a prune job as things stand now, from the catalog. Changes nothing. */
export function planPrune(ctx: PoolContext, job: PlannedPrune): Promise<LookedPlan> {
  return makePlan({ ...ctx, inventory: planningInventory(ctx) }, job);
}

/**
 * The plan for a prune job as things stand now. Changes nothing. What a lock file or a process turns out to be using is
 * protected, and planned around.
 */
export async function makePlan(ctx: PlanContext, job: PlannedPrune): Promise<LookedPlan> {
  const used = new Map(beingCollected(ctx));
  const planOnce = await createPlanner(ctx, job, used);
  let unseen: Use['unseen'] = null;
  for (;;) {
    const plan = await planOnce();
    const found = await findUses(ctx, plan.deletes, { processesMaxAgeMs: PROCESSES_MAX_AGE_MS });
    unseen = found.unseen ?? unseen;
    if (found.verdicts.size === 0) return { ...plan, unseen };
    for (const [id, verdict] of found.verdicts) used.set(id, verdict);
  }
}

async function createPlanner(ctx: PlanContext, job: PlannedPrune, used: ReadonlyMap<string, Verdict>) {
  const { inventory, clock, clockGuard } = ctx;
  const { instances: total, reservedSlots } = await inventory.totals();
  const policy = policyFor(ctx, job);
  const demand = {
    policy,
    now: clock.now(),
    leaseNow: clockGuard.now(),
    ageRulesSuspended: await clockGuard.suspended(),
    reservedSlots,
    need: job.cause === 'request' ? job.need : NOTHING,
    shortfall: 'shortfall' in job ? job.shortfall : NOTHING,
    share: await inventory.share(),
  };
  async function* candidates(): AsyncIterable<Candidate> {
    for await (const candidate of readCandidates(ctx, inventory)) yield asJobSees(candidate, job);
  }
  const protect = (candidate: Candidate): Candidate => {
    const verdict = used.get(candidate.id);
    return verdict ? { ...candidate, protectedBy: verdict } : candidate;
  };
  async function* protectedCandidates(): AsyncIterable<Candidate> {
    for await (const candidate of candidates()) yield protect(candidate);
  }
  // An operator is shown every instance; a plan that is carried out at once needs no more than it deletes.
  if (job.cause !== 'operator' && canPlanLazily(policy, await inventory.hasEarly())) {
    return () => planForRequest({ ...demand, candidates: protectedCandidates(), total });
  }
  const all = await Array.fromAsync(candidates());
  return async () => planRetention({ ...demand, instances: all.map(protect) });
}

/**
 * An operator may have taken away what kept an instance from being deleted, or collected: it is tried at once. For the disk itself only
 * what lies on it counts: that nothing more will be written there makes no room.
 */
function asJobSees(candidate: Candidate, { cause }: PlannedPrune): Candidate {
  if (cause === 'operator' && FAILED.includes(candidate.protectedBy?.rule ?? ''))
    return { ...candidate, protectedBy: null };
  return cause === 'pressure' ? { ...candidate, growth: { bytes: 0, inodes: 0 } } : candidate;
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
