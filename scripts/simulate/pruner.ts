import { type Amount, type Candidate, planRetention, type RetentionPlan } from '@spica/core';
import { HOST } from './scenario.ts';
import type { Instance, Request } from './store.ts';
import type { World } from './world.ts';

const NOTHING: Amount = { bytes: 0, inodes: 0, slots: 0 };

/** The plan by the pool's policy, and for a request's shortfall where there is one. */
export function planPrune(
  world: World,
  demand: { need: Amount; shortfall: Amount } = { need: NOTHING, shortfall: NOTHING },
): RetentionPlan {
  const { store } = world;
  return planRetention({
    instances: [...store.instances.values()].flatMap((each) =>
      each.state === 'deleting' ? [] : [toCandidate(world, each)],
    ),
    policy: HOST.retention,
    now: world.now,
    ageRulesSuspended: world.ageRulesSuspended,
    reservedSlots: store.reserved.slots,
    ...demand,
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
    bytes: last?.ownBytes ?? null,
    inodes: last?.ownInodes ?? null,
    protectedBy: protectionOf(world, instance),
  };
}

function protectionOf(world: World, { state, pinned, leaseEndsAt }: Instance): Candidate['protectedBy'] {
  if (state === 'in-flight') return { rule: 'in-flight', reason: 'its request has not ended yet' };
  if (pinned) return { rule: 'pin', reason: 'pinned' };
  return leaseEndsAt !== null && leaseEndsAt > world.guardedNow ? { rule: 'lease', reason: 'leased' } : null;
}

/** Carries a plan out: what was begun when the worker is killed is finished by the next one. */
export function execute(world: World, plan: RetentionPlan): number {
  let deleted = 0;
  for (const { id } of plan.deletes) {
    world.between();
    const instance = world.store.instances.get(id);
    if (!instance || protectionOf(world, instance) !== null) continue;
    instance.state = 'deleting';
    world.between();
    world.store.instances.delete(id);
    deleted += 1;
  }
  return deleted;
}

/** Removes what came up of a request, and gives back what it was promised. */
export function removeRequest(world: World, request: Request): void {
  for (const instance of world.store.instances.values()) {
    if (instance.request !== request) continue;
    instance.state = 'deleting';
    world.between();
    world.store.instances.delete(instance.id);
  }
  world.between();
  world.store.reservations.delete(request.id);
}

/** What an earlier worker had begun to delete. */
export function finishDeletions(world: World): void {
  for (const { id, state } of world.store.instances.values()) {
    if (state !== 'deleting') continue;
    world.between();
    world.store.instances.delete(id);
  }
}
