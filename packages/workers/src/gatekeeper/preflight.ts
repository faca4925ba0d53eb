import {
  type Decision,
  decideAdmission,
  floorOf,
  formatDuration,
  planRetention,
  policyOf,
  RefusedError,
} from '@spica/core';
import { type Prepared, readLineage } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { loadCandidates } from '../pruner/candidates.ts';
import { hold } from './hold.ts';
import type { Look, Lookout } from './look.ts';
import { type Need, needOf } from './need.ts';
import { reclaim } from './steps.ts';
import { type StepResult, save, type Turn } from './turn.ts';

/**
 * Decides whether the request may go ahead now, and promises it what it needs: leads to `prepare` when the template's
 * snapshot is not up to date, to `reclaim` when retention can make the room, to `release` when it is admitted.
 * Otherwise it holds the request. Throws RefusedError for what can never be.
 */
export async function preflight(turn: Turn, lookout: Lookout): Promise<StepResult> {
  const { ctx, state } = turn;
  const { template, parent } = state.request;
  const seen = ctx.waker.count;
  const prepared = state.fingerprint
    ? await ctx.templates.get(template, state.fingerprint)
    : await ctx.templates.current(template);
  if (!prepared) return { next: 'prepare' };
  const generation = state.generation ?? (await generationAfter(ctx, parent));
  turn.state = { ...state, fingerprint: prepared.fingerprint, generation };

  const barrier = await findBarrier(turn);
  if (barrier) return hold(turn, barrier, seen);
  const fresh = state.heldAt !== null || state.reclaimRound > 0;
  const { decision, need, look } = await decide(
    ctx,
    prepared,
    state.request.count,
    await lookout.look(fresh),
  );
  if (decision.verdict === 'impossible') throw new RefusedError('NEVER_FITS', decision.sentence);
  if (decision.verdict === 'admit' && (await promise(turn, decision, need, look))) {
    await ctx.audit.append({
      action: 'admit_request',
      request: turn.id,
      reason: decision.sentence,
      bytes: decision.need.bytes,
      outcome: 'admitted',
    });
    return { next: 'release' };
  }
  if (await canReclaim(turn, decision)) {
    await save(turn, {});
    return reclaim(turn, { need: decision.need, shortfall: decision.shortfall });
  }
  return hold(turn, decision.sentence, seen);
}

/** The parent's generation + 1; 0 without a parent, or when it is gone. */
async function generationAfter(ctx: PoolContext, parent: string | null): Promise<number> {
  const lineage = parent === null ? null : await readLineage(ctx.pool, parent);
  return lineage ? lineage.generation + 1 : 0;
}

/** The sum for a request of `count` instances, with every figure in its sentence. Changes nothing. */
export async function decide(ctx: PoolContext, prepared: Prepared, count: number, look: Look) {
  const [ledger, need] = await Promise.all([ctx.catalog.ledger(), needOf(ctx, prepared)]);
  const decision = decideAdmission({
    count,
    ...need,
    safetyFactor: ctx.policy.disk.safetyFactor,
    space: look.space,
    reserved: ledger.reserved,
    growth: { bytes: 0, inodes: 0 },
    floor: floorOf(ctx.policy.disk, look.space.totalInodes),
    instances: ledger.instances,
    maxInstances: ctx.policy.retention.maxInstances,
  });
  return { decision, need, look, ledger };
}

/** Takes the reservation, unless another request was faster. */
async function promise(turn: Turn, decision: Decision, need: Need, look: Look): Promise<boolean> {
  const { ctx, state, id } = turn;
  const { count } = state.request;
  const outcome = await ctx.catalog.reserve(
    {
      request: id,
      fingerprint: state.fingerprint ?? '',
      perInstance: {
        bytes: Math.ceil(decision.need.bytes / count),
        inodes: Math.ceil(decision.need.inodes / count),
      },
      count,
      at: ctx.clock.now(),
    },
    { ...decision.bounds, slots: ctx.policy.retention.maxInstances },
    look.settled,
  );
  if (!outcome.reserved)
    turn.logger.debug({ short: outcome.short, need }, 'another request was promised the room first');
  return outcome.reserved;
}

/** A request that has been held too long lets nobody pass who came later. */
async function findBarrier(turn: Turn): Promise<string | null> {
  const { ctx, state, id } = turn;
  const now = ctx.clock.now();
  const mine = state.heldAt ?? now;
  for (const held of await ctx.catalog.held()) {
    if (held.request === id) return null; // held are in order of age: nobody before it is a barrier
    const waitedMs = now - held.heldAt;
    if (held.heldAt <= mine && waitedMs > ctx.config.gate.barrierAfterMs) {
      return `waits behind request ${held.request}, which has been held for ${formatDuration(waitedMs)}`;
    }
  }
  return null;
}

/** Whether a prune now would let the request in: only then may space be reclaimed for it. */
async function canReclaim(turn: Turn, decision: Decision): Promise<boolean> {
  const { ctx } = turn;
  if (turn.reclaimed || !ctx.policy.retention.pruneOnSpawn || decision.verdict !== 'short') return false;
  const ledger = await ctx.catalog.ledger();
  const plan = planRetention({
    instances: await loadCandidates(ctx),
    policy: policyOf(ctx.policy.retention),
    now: ctx.clock.now(),
    ageRulesSuspended: null,
    reservedSlots: ledger.reserved.slots,
    need: decision.need,
    shortfall: decision.shortfall,
  });
  return plan.sufficient && plan.deletes.length > 0;
}
