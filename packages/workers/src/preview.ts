import {
  decide,
  describePolicy,
  type GateFacts,
  isShortBelow,
  type LedgerSums,
  NO_LIMITS,
  step,
  UsageError,
} from '@spica/core';
import type { Preview } from '@spica/queues';
import type { PoolContext } from './context.ts';
import { emptySums } from './gate/state.ts';
import { type DiskNow, readDisk, termsOf } from './gatekeeper/facts.ts';
import { type Asked, needFor } from './gatekeeper/need.ts';
import { findRelief, type RoomPlan } from './gatekeeper/relief.ts';
import { type LookedPlan, policyFor } from './pruner/plan.ts';
import { planAndSeal } from './pruner/sealed.ts';
import { findUnknown, type UnknownDirectory } from './pruner/unknown.ts';

/** A request that was never submitted: it comes last in the line. */
const NEW = { id: '(preview)', heldAt: null, maxWaitMs: Number.MAX_SAFE_INTEGER } as const;

/**
 * What would become of a request now, and why? The gate's own step says it, by what the serving process has published.
 * Changes nothing. A template that has not been prepared as it is now is reckoned with at the size that its snapshot
 * would have.
 *
 * @param asked With the `id` of one that waits already, so that it does not wait behind itself.
 */
export async function previewAdmission(
  ctx: PoolContext,
  { template, id = NEW.id, ...asked }: Asked & { readonly template: string; readonly id?: string },
): Promise<Preview> {
  const { count } = asked;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UsageError('COUNT_INVALID', `count: expected a whole number of at least 1, got ${count}`);
  }
  const [published, current] = await Promise.all([
    ctx.gateView.read(),
    ctx.templates.current(template),
    ctx.diskDoubt.refresh(),
  ]);
  const sums = published?.sums ?? emptySums(await ctx.catalog.count());
  const need = await needFor(ctx, current ?? (await unprepared(ctx, template)), asked);
  const facts: GateFacts = {
    now: ctx.clock.now(),
    terms: termsOf(ctx),
    cancelled: false,
    line: { head: published?.held[0] ?? null, length: published?.heldCount ?? 0 },
    limits: published?.limits ?? NO_LIMITS,
    doubt: null,
    need,
    preparation: null,
    relief: null,
    ...(await readDiskAsServed(ctx, sums, published?.ownBytes ?? 0)),
  };
  const request = { ...NEW, id, template, count };
  const found = step(request, facts, sums);
  const decision = decide(need, facts, sums);
  const { need: total, shortfall } = decision;
  const isShort = decision.verdict === 'short' && !isShortBelow(decision);
  const short = { shortage: { need: total, shortfall }, reserved: sums.reserved };
  const relief = isShort ? await findRelief(ctx, { id, from: null }, short, { mayReclaim: true }) : null;
  return {
    ...decision,
    prepared: current !== null,
    trouble: facts.trouble,
    waitsFor: found.do === 'hold' && found.shortage === null ? found.reason : null,
    afterPruning: relief?.room ? whatGoes(relief.room) : null,
    help: relief?.help ?? null,
  };
}

/** The disk as it is now; whether it takes writes, only the process that serves the pool has tried. */
async function readDiskAsServed(ctx: PoolContext, sums: LedgerSums, ownBytes: number): Promise<DiskNow> {
  const [disk, pressure] = await Promise.all([readDisk(ctx, sums, ownBytes), ctx.catalog.pressure()]);
  const unwritable = pressure?.level === 'unwritable' ? pressure.reason : null;
  return {
    ...disk,
    trouble: unwritable === null ? disk.trouble : { code: 'DISK_UNWRITABLE', reason: unwritable },
  };
}

function whatGoes({ deletes, trash }: RoomPlan): NonNullable<Preview['afterPruning']> {
  return {
    instances: deletes.map(({ id, reason, bytes }) => ({ id, reason, bytes })),
    trash: trash.map(({ id, note }) => ({
      id,
      reason: note?.reason ?? 'unknown',
      bytes: note?.bytes ?? null,
    })),
  };
}

async function unprepared(ctx: PoolContext, template: string) {
  const { bytes, inodes } = await ctx.templates.size(template);
  return { template, allocatedBytes: bytes, inodes };
}

/** Limits for one plan, null for the pool's; or just the instances that were chosen. */
export interface PruneLimits {
  readonly maxInstances: number | null;
  readonly maxAgeMs: number | null;
  readonly ids?: readonly string[] | undefined;
}

/** An operator's prune job, or its plan. */
export function operatorJob(pool: string, { ids, ...limits }: PruneLimits) {
  return { pool, cause: 'operator', ...limits, ...(ids && { ids: [...ids] }) } as const;
}

/**
 * What a prune would do now, under the pool's limits or the given ones. Touches nothing but the list of sealed plans: the
 * digest names this one for an hour, so that exactly it can be carried out.
 */
export async function previewPrune(
  ctx: PoolContext,
  limits: PruneLimits,
): Promise<{
  readonly plan: LookedPlan;
  readonly digest: string;
  /** The limits that it was made under, as a sentence. */
  readonly policy: string;
  readonly unknownDirectories: readonly UnknownDirectory[];
}> {
  const job = operatorJob(ctx.pool.name, limits);
  const sealed = await planAndSeal(ctx, job);
  const policy = describePolicy(policyFor(ctx, job));
  return { ...sealed, policy, unknownDirectories: await findUnknown(ctx) };
}
