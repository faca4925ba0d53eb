import { type Candidate, planRetention, type RetentionPlan, type Shortage } from '@spica/core';
import { HOST } from './scenario.ts';
import { countedAs, type Serving } from './serving.ts';
import { type Instance, NO_SHORTAGE, type Request } from './store.ts';
import type { World } from './world.ts';

/** The plan by the pool's policy, and for a request's shortage where there is one. */
export function planPrune({ world, store, ledger }: Serving, shortage: Shortage): RetentionPlan {
  return planRetention({
    instances: [...store.instances.values()].flatMap((each) =>
      each.state === 'deleting' ? [] : [toCandidate(world, each)],
    ),
    policy: HOST.retention,
    now: world.now,
    leaseNow: world.guardedNow,
    ageRulesSuspended: world.ageRulesSuspended,
    reservedSlots: ledger.sums(world.guardedNow).reserved.slots,
    ...shortage,
  });
}

function toCandidate(world: World, instance: Instance): Candidate {
  const last = instance.samples.at(-1);
  return {
    id: instance.id,
    experiment: instance.request.experiment,
    spawnedAt: instance.spawnedAt,
    ttlMs: null,
    score: null,
    lastLeasedAt: instance.lastLeasedAt,
    usedUntil: instance.leaseEndsAt ?? instance.lastLeasedAt,
    // Runners discard what they are done with; what a crash has left of them is kept for a while.
    discarded: instance.leaseEndsAt === null,
    bytes: last?.ownBytes ?? null,
    inodes: last?.ownInodes ?? null,
    growth: countedAs(instance, world).growth,
    protectedBy: protectionOf(world, instance),
  };
}

function protectionOf(world: World, { state, pinned, leaseEndsAt }: Instance): Candidate['protectedBy'] {
  if (state === 'in-flight') return { rule: 'in-flight', reason: 'its request has not ended yet' };
  if (pinned) return { rule: 'pin', reason: 'pinned' };
  return leaseEndsAt !== null && leaseEndsAt > world.guardedNow ? { rule: 'lease', reason: 'leased' } : null;
}

/** Removes what the policy says; true where something went. */
export function prune(serving: Serving): boolean {
  return execute(serving, planPrune(serving, NO_SHORTAGE));
}

/** Makes room for a request, if what is there now lets it in. */
export function reclaim(serving: Serving, shortage: Shortage): void {
  const plan = planPrune(serving, shortage);
  if (plan.sufficient) execute(serving, plan);
}

/** What was begun when the worker is killed is finished by the next one. */
function execute(serving: Serving, { deletes }: RetentionPlan): boolean {
  const { world, store } = serving;
  let deleted = 0;
  for (const { id } of deletes) {
    world.between();
    const instance = store.instances.get(id);
    if (!instance || protectionOf(world, instance) !== null) continue;
    remove(serving, instance);
    deleted += 1;
  }
  return deleted > 0;
}

/** Removes what came up of a request. */
export function removeRequest(serving: Serving, request: Request): void {
  for (const instance of serving.store.instancesOf(request)) remove(serving, instance);
}

function remove({ world, store, ledger }: Serving, instance: Instance): void {
  instance.state = 'deleting';
  world.between();
  store.instances.delete(instance.id);
  ledger.remove(instance.id);
}
