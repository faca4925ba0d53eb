import {
  type Candidate,
  COLLECT_FAILED,
  canPlanLazily,
  keptWhileBlind,
  planChosen,
  planForRequest,
  planRetention,
  type RetentionPlan,
  type RetentionPolicy,
  UNDELETABLE,
  type Verdict,
} from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import { beingCollected } from '../collector/results.ts';
import type { CollectRuns } from '../collector/runs.ts';
import type { PoolContext } from '../context.ts';
import { readAll, readCandidates, readChosen } from './candidates.ts';
import { type PlanningInventory, planningInventory } from './inventory.ts';
import { policyInForce } from './policy.ts';
import { findUses, type Use } from './protection.ts';
import { createUnsavedGuard, type NoteUnsaved } from './unsaved.ts';

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
  'policy' | 'pool' | 'image' | 'isCharged' | 'clock' | 'clockGuard' | 'logger'
> & {
  readonly inventory: PlanningInventory;
  readonly collectRuns?: Pick<CollectRuns, 'passedOver'>;
};

/** A plan, made with a look for what is in use. */
export type LookedPlan = RetentionPlan & Pick<Use, 'unseen'>;

/** The plan for a prune job as things stand now, from the catalog. Changes nothing, but for what `note` does. */
export function planPrune(
  ctx: PoolContext,
  job: PlannedPrune,
  { note }: { readonly note?: NoteUnsaved } = {},
): Promise<LookedPlan> {
  return makePlan({ ...ctx, inventory: planningInventory(ctx) }, job, { note });
}

/**
 * The plan for a prune job as things stand now. Changes nothing. What a lock file or a process turns out to be using is
 * protected, and planned around; and so is what holds unsaved work.
 */
export async function makePlan(
  ctx: PlanContext,
  job: PlannedPrune,
  { note }: { readonly note?: NoteUnsaved | undefined } = {},
): Promise<LookedPlan> {
  const used = new Map<string, Verdict>(beingCollected(ctx));
  const guard = createUnsavedGuard(ctx, {
    isUrgent: job.cause === 'request' || job.cause === 'pressure',
    note,
  });
  const verdictOf = (candidate: Candidate) => used.get(candidate.id) ?? guard.verdictOf(candidate);
  const planOnce = await createPlanner(ctx, job, verdictOf);
  let unseen: Use['unseen'] = null;
  for (;;) {
    const plan = await planOnce();
    const found = await findUses(ctx, plan.deletes, { processesMaxAgeMs: PROCESSES_MAX_AGE_MS });
    unseen = found.unseen ?? unseen;
    for (const [id, verdict] of found.verdicts) used.set(id, verdict);
    const isHeld = await guard.look(plan.deletes.filter(({ id }) => !found.verdicts.has(id)));
    if (found.verdicts.size === 0 && !isHeld) return { ...plan, unseen };
  }
}

async function createPlanner(
  ctx: PlanContext,
  job: PlannedPrune,
  verdictOf: (candidate: Candidate) => Verdict | null,
) {
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
    const verdict = candidate.protectedBy ?? verdictOf(candidate);
    return verdict ? { ...candidate, protectedBy: verdict } : candidate;
  };
  async function* protectedCandidates(): AsyncIterable<Candidate> {
    for await (const candidate of candidates()) yield protect(candidate);
  }
  // An operator is shown every instance; a plan that is carried out at once needs no more than it deletes.
  if (job.cause !== 'operator' && canPlanLazily(policy, await inventory.hasEarly())) {
    return () => planForRequest({ ...demand, candidates: protectedCandidates(), total });
  }
  if (job.cause === 'operator' && job.ids !== undefined) {
    const chosen = (await readChosen(ctx, inventory, job.ids)).map((each) => asJobSees(each, job));
    // What the policy says of those that were chosen does not count, but for this: in use goes nothing.
    const protectChosen = (candidate: Candidate) => {
      const verdict = protect(candidate).protectedBy ?? keptWhileBlind(candidate, demand);
      return { ...candidate, protectedBy: verdict };
    };
    return async () => planChosen(chosen.map(protectChosen), total);
  }
  const all = (await readAll(ctx, inventory)).map((each) => asJobSees(each, job));
  return async () => planRetention({ ...demand, instances: all.map(protect) });
}

/** An operator may have taken away what kept an instance from being deleted, or collected: it is tried at once. */
export function asOperatorSees(candidate: Candidate): Candidate {
  return FAILED.includes(candidate.protectedBy?.rule ?? '') ? { ...candidate, protectedBy: null } : candidate;
}

/**
 * What a request forks does not go to make room for its forks. For the disk itself only what lies on it counts: that nothing
 * more will be written there makes no room.
 */
function asJobSees(candidate: Candidate, job: PlannedPrune): Candidate {
  const { cause } = job;
  if (cause === 'request' && candidate.id === job.from) {
    const forked = { rule: 'forked', reason: `request ${job.request} forks it` };
    return { ...candidate, protectedBy: candidate.protectedBy ?? forked };
  }
  if (cause === 'operator') return asOperatorSees(candidate);
  if (cause !== 'pressure') return candidate;
  const { bytes, inodes } = candidate.growth;
  return bytes > 0 || inodes > 0 ? { ...candidate, growth: { bytes: 0, inodes: 0 } } : candidate;
}

/** The policy that a job plans by: an operator may give limits for one run. */
export function policyFor(ctx: Pick<PoolContext, 'policy'>, job: PlannedPrune): RetentionPolicy {
  const policy = policyInForce(ctx.policy);
  if (job.cause !== 'operator') return policy;
  return {
    ...policy,
    maxInstances: job.maxInstances ?? policy.maxInstances,
    maxAgeMs: job.maxAgeMs ?? policy.maxAgeMs,
  };
}
