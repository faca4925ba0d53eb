import {
  type Decision,
  decideAdmission,
  describeBarrier,
  findBarrier,
  floorOf,
  RefusedError,
  type Size,
} from '@spica/core';
import { readLineage } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { helpFor } from './help.ts';
import { hold } from './hold.ts';
import type { Look, Lookout } from './look.ts';
import { type Asked, needFor, type Snapshot } from './need.ts';
import { planRoom } from './room.ts';
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
  const finding = state.fingerprint
    ? ctx.templates.get(template, state.fingerprint)
    : ctx.templates.current(template);
  finding.catch(() => undefined); // told below, like the look's failure, if anything comes of this turn
  // A run that was killed right after it was promised: nothing was released then, so it is decided anew.
  await ctx.catalog.giveBack(turn.id);
  const looking = lookout.look(state.heldAt !== null || state.reclaimRound > 0);
  looking.catch(() => undefined);
  const passing = await findBarrierFor(turn);
  const prepared = await finding;
  if (!prepared) return { next: 'prepare' };
  // Not before: it may make this request the breaker's trial.
  const barrier = passing ?? (await ctx.limits.ask(turn.id, state.request.count));
  const generation = state.generation ?? (await generationAfter(ctx, parent));
  turn.state = { ...state, fingerprint: prepared.fingerprint, generation };
  if (barrier) return hold(turn, barrier, seen);
  const { decision, look, expected } = await decide(ctx, prepared, state.request, await looking);
  if (decision.verdict === 'impossible') throw new RefusedError('NEVER_FITS', decision.sentence);
  if (decision.verdict === 'admit' && (await promise(turn, { decision, look, expected }))) {
    const late = await ctx.limits.release(turn.id, state.request.count);
    if (late !== null) {
      await ctx.catalog.giveBack(turn.id);
      return hold(turn, late, seen);
    }
    if (state.heldAt !== null) await ctx.catalog.release(turn.id);
    await ctx.audit.append({
      action: 'admit_request',
      request: turn.id,
      reason: decision.sentence,
      bytes: decision.need.bytes,
      outcome: 'admitted',
    });
    turn.isNew = true;
    return { next: 'release' };
  }
  if (await canReclaim(turn, decision)) {
    await save(turn, {});
    return reclaim(turn, { need: decision.need, shortfall: decision.shortfall });
  }
  const { sentence } = decision.verdict === 'short' ? await helpFor(ctx, decision) : { sentence: '' };
  return hold(turn, sentence ? `${decision.sentence}. ${sentence}` : decision.sentence, seen);
}

/** The parent's generation + 1; 0 without a parent, or when it is gone. */
async function generationAfter(ctx: PoolContext, parent: string | null): Promise<number> {
  const lineage = parent === null ? null : await readLineage(ctx.pool, parent);
  return lineage ? lineage.generation + 1 : 0;
}

/** The sum for a request, with every figure in its sentence. Changes nothing. */
export async function decide(ctx: PoolContext, snapshot: Snapshot, asked: Asked, look: Look) {
  const [ledger, need] = await Promise.all([
    ctx.catalog.ledger(ctx.clock.now()),
    needFor(ctx, snapshot, asked),
  ]);
  const decision = decideAdmission({
    ...need,
    space: look.space,
    reserved: ledger.reserved,
    growth: ledger.growth,
    floor: floorOf(ctx.policy.disk, look.space.totalInodes),
    instances: ledger.instances,
    maxInstances: ctx.policy.retention.maxInstances,
  });
  return { decision, look, expected: need.perInstance };
}

/** Takes the reservation, unless another request was faster. */
async function promise(
  turn: Turn,
  { decision, look, expected }: { decision: Decision; look: Look; expected: Size },
): Promise<boolean> {
  const { ctx, state, id } = turn;
  const { count } = state.request;
  const { perInstance } = decision.parts;
  const fingerprint = state.fingerprint ?? '';
  const reservation = { request: id, fingerprint, perInstance, count, at: ctx.clock.now() };
  const outcome = await ctx.catalog.reserve(reservation, decision.bounds, look.settled);
  if (outcome.reserved) turn.state = { ...turn.state, predicted: perInstance, expected: whole(expected) };
  else turn.logger.debug({ short: outcome.short }, 'another request was promised the room first');
  return outcome.reserved;
}

function whole({ bytes, inodes }: Size): Size {
  return { bytes: Math.ceil(bytes), inodes: Math.ceil(inodes) };
}

/**
 * A request that has been held too long lets nobody pass who came later. And as long as Redis knows nothing of what is on
 * the disk, everything would seem to fit.
 */
async function findBarrierFor({ ctx, id }: Turn): Promise<string | null> {
  const now = ctx.clock.now();
  const { barrierAfterMs } = ctx.config.gate;
  const [held, reconciled] = await Promise.all([ctx.catalog.held(), ctx.catalog.reconciled()]);
  if (reconciled === null) return 'Redis has lost the catalog; it is being rebuilt from the disk';
  const barrier = findBarrier({ held, request: id, now, barrierAfterMs });
  return barrier && describeBarrier(barrier, now);
}

/** Whether a prune now would let the request in: only then may space be reclaimed for it. */
async function canReclaim(turn: Turn, decision: Decision): Promise<boolean> {
  return !turn.reclaimedInVain && (await planRoom(turn.ctx, turn.id, decision)) !== null;
}
