import type { RetentionPlan } from '@spica/core';
import { checkMarker, type TrashEntry } from '@spica/pool';
import {
  type PrunePayload,
  type PruneResult,
  parsePayload,
  prunePayloadSchema,
  type ReconcileResult,
  toJobError,
} from '@spica/queues';
import { DelayedError, type Job } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { reconcileNow } from '../reconciler/job.ts';
import { handBack } from '../runtime/hand-back.ts';
import { bytesOf } from './bytes.ts';
import { planPrune } from './plan.ts';
import { type Kept, type Removal, type TakenOut, takeOut } from './remove.ts';
import { restoreInstance } from './restore.ts';
import { openSealed } from './sealed.ts';
import { findStrangers } from './strangers.ts';
import { summarize } from './summary.ts';
import { freeAll, listExpired, scheduleTrash, trashRelief } from './trash.ts';
import { listUndone } from './undo.ts';

/**
 * The prune queue's processor: plans anew from what is there now, deletes what the plan says, and tells what it did.
 * One instance's failure is recorded and the rest go on. Safe to run twice, or two at once.
 */
export function createPruner(ctx: ServedContext) {
  return async (job: Job, token?: string, signal?: AbortSignal): Promise<PruneResult | ReconcileResult> => {
    try {
      const payload = parsePayload(prunePayloadSchema, job.data, `prune job ${job.id}`);
      await checkMarker(ctx.pool);
      return await handBack<PruneResult | ReconcileResult>(job, token, signal, () =>
        ctx.withDeletionClaim<PruneResult | ReconcileResult>(() =>
          payload.cause === 'reconcile' ? reconcileNow(ctx) : prune(ctx, payload, signal),
        ),
      );
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      throw toJobError(error);
    }
  };
}

/** What a job came to, before its trash is emptied. */
interface Run extends TakenOut {
  readonly kept: number;
  readonly sentence: string;
  /** What of the trash goes at once. */
  readonly doomed: readonly TrashEntry[];
}

/** The jobs of the prune queue that delete, or bring back. */
type Pruning = Exclude<PrunePayload, { cause: 'reconcile' }>;

async function prune(ctx: ServedContext, payload: Pruning, signal?: AbortSignal): Promise<PruneResult> {
  const run = await takeJob(ctx, payload, signal);
  const isSweep = payload.cause === 'trash' && !payload.all;
  const { freed, failed } = await freeAll(ctx, run.doomed, {
    ...(signal ? { signal } : {}),
    // Nobody waits for a sweep; who waits behind it wants room.
    ...(isSweep ? { yields: async () => (await ctx.queues.prune.getWaitingCount()) > 0 } : {}),
  });
  if (freed.length > 0) await ctx.waker.wake();
  const gone = new Set(freed.map(({ name }) => name));
  const result: PruneResult = {
    pruned: run.taken.map(({ removal, bytes }) => ({ id: removal.id, reason: removal.reason, bytes })),
    kept: run.kept + run.skipped.length + run.failed.length,
    skipped: run.skipped,
    failed: [...run.failed, ...failed],
    strangers: payload.cause === 'schedule' || payload.cause === 'operator' ? await findStrangers(ctx) : [],
    reclaimedBytes: bytesOf(freed),
    trashedBytes: bytesOf(run.taken.map(({ trash }) => trash).filter(({ name }) => !gone.has(name))),
    sentence: run.sentence,
  };
  await summarize(ctx, payload, result);
  return result;
}

const NOTHING: Run = { taken: [], skipped: [], failed: [], kept: 0, sentence: '', doomed: [] };

async function takeJob(ctx: ServedContext, payload: Pruning, signal?: AbortSignal): Promise<Run> {
  switch (payload.cause) {
    case 'schedule':
    case 'operator':
      return afterwards(ctx, await takePlanned(ctx, await planPrune(ctx, payload), null, signal));
    case 'sealed': {
      const { changed, ...plan } = await openSealed(ctx, payload.digest);
      const run = await takePlanned(ctx, plan, null, signal);
      return afterwards(ctx, { ...run, skipped: [...changed, ...run.skipped] });
    }
    case 'request':
    case 'pressure':
      return takeForRoom(ctx, payload, signal);
    case 'undo':
      return takeForUndo(ctx, payload, signal);
    case 'trash': {
      const before = payload.all
        ? Number.POSITIVE_INFINITY
        : ctx.clockGuard.now() - ctx.policy.retention.trashTtlMs;
      return { ...NOTHING, sentence: 'empties the trash', doomed: await listExpired(ctx, before) };
    }
    case 'restore':
      await restoreInstance(ctx, payload.id);
      return { ...NOTHING, sentence: `brings back ${payload.id}` };
  }
}

/** What the trash has held for long enough goes with this run; with `trash_ttl: 0`, what it took out itself. */
async function afterwards(ctx: ServedContext, run: Run): Promise<Run> {
  return { ...run, doomed: await listExpired(ctx, ctx.clockGuard.now() - ctx.policy.retention.trashTtlMs) };
}

async function takePlanned(
  ctx: ServedContext,
  plan: Pick<RetentionPlan, 'kept' | 'sentence'> & { readonly deletes: readonly Kept[] },
  request: string | null,
  signal?: AbortSignal,
): Promise<Run> {
  const removals = plan.deletes.map(({ id, reason }): Removal => ({ id, reason, request, undo: false }));
  const taken = await takeOut(ctx, removals, signal);
  return { ...NOTHING, ...taken, kept: plan.kept, sentence: plan.sentence };
}

/** Who is short of space gets the trash's first; and what goes for its space cannot wait in the trash. */
async function takeForRoom(
  ctx: ServedContext,
  payload: PrunePayload & { cause: 'request' | 'pressure' },
  signal?: AbortSignal,
): Promise<Run> {
  const { shortfall } = payload;
  const request = payload.cause === 'request' ? payload.request : null;
  const relief = await trashRelief(ctx, shortfall);
  const plan = await planPrune(ctx, { ...payload, shortfall: relief.left });
  const run = await takePlanned(ctx, plan, request, signal);
  const shortOfSpace = relief.left.bytes > 0 || relief.left.inodes > 0;
  if (shortOfSpace) return { ...run, doomed: [...relief.entries, ...run.taken.map(({ trash }) => trash)] };
  await scheduleTrash(ctx); // whoever waits for slots need not wait for `rm`
  return { ...run, doomed: relief.entries };
}

async function takeForUndo(
  ctx: ServedContext,
  payload: PrunePayload & { cause: 'undo' },
  signal?: AbortSignal,
): Promise<Run> {
  const { removals, skipped } = await listUndone(ctx, payload);
  const run = await takeOut(ctx, removals, signal);
  const doomed = run.taken.map(({ trash }) => trash);
  return { ...NOTHING, ...run, skipped: [...skipped, ...run.skipped], sentence: payload.reason, doomed };
}
