import { formatBytes, SpicaError } from '@spica/core';
import { checkMarker } from '@spica/pool';
import {
  type PrunePayload,
  type PruneResult,
  parsePayload,
  prunePayloadSchema,
  toJobError,
} from '@spica/queues';
import type { Job } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { planPrune } from './plan.ts';
import { freeSpace, messageOf, type Removal, type Removed, takeOut } from './remove.ts';
import { findStrangers } from './strangers.ts';
import { sweepTrash } from './trash.ts';

/**
 * The prune queue's processor: plans anew from what is there now, deletes what the plan says, and tells what it did.
 * One instance's failure is recorded and the rest go on. Safe to run twice, or two at once.
 */
export function createPruner(ctx: ServedContext) {
  return async (job: Job, _token?: string, signal?: AbortSignal): Promise<PruneResult> => {
    try {
      const payload = parsePayload(prunePayloadSchema, job.data, `prune job ${job.id}`);
      return await prune(ctx, payload, signal);
    } catch (error) {
      throw toJobError(error);
    }
  };
}

async function prune(ctx: ServedContext, payload: PrunePayload, signal?: AbortSignal): Promise<PruneResult> {
  await checkMarker(ctx.pool);
  await sweepTrash(ctx);
  const { removals, sentence, kept } = await listRemovals(ctx, payload);
  const run = await removeAll(ctx, removals, signal);
  const result: PruneResult = {
    pruned: run.pruned.map(({ removal, bytes }) => ({ id: removal.id, reason: removal.reason, bytes })),
    kept: kept + run.failed.length,
    failed: run.failed,
    strangers: payload.cause === 'undo' ? [] : await findStrangers(ctx),
    reclaimedBytes: run.pruned.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
    sentence,
  };
  await summarize(ctx, payload, result);
  return result;
}

async function listRemovals(ctx: ServedContext, payload: PrunePayload) {
  if (payload.cause === 'undo') {
    const { ids, reason, request } = payload;
    const removals = ids.map((id): Removal => ({ id, reason, request, undo: true }));
    return { removals, sentence: reason, kept: 0 };
  }
  const plan = await planPrune(ctx, payload);
  const request = payload.cause === 'request' ? payload.request : null;
  const removals = plan.deletes.map(({ id, reason }): Removal => ({ id, reason, request, undo: false }));
  return { removals, sentence: plan.sentence, kept: plan.items.length - removals.length };
}

/** All slots first (a rename each), then the space: who waits for a slot need not wait for `rm`. */
async function removeAll(ctx: ServedContext, removals: readonly Removal[], signal?: AbortSignal) {
  const failed: { id: string; reason: string }[] = [];
  const attempt = async <T>(id: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      signal?.throwIfAborted();
      return await work();
    } catch (error) {
      if (error instanceof SpicaError && error.code === 'AUDIT_UNWRITABLE') throw error;
      failed.push({ id, reason: messageOf(error) });
      return null;
    }
  };
  const taken: Removed[] = [];
  for (const removal of removals) {
    const logger = ctx.logger.child({ request: removal.request });
    const outcome = await attempt(removal.id, () => takeOut(ctx, removal, logger));
    if (outcome && 'trash' in outcome) taken.push(outcome);
  }
  if (taken.length > 0) await ctx.waker.wake();
  const pruned: Removed[] = [];
  for (const removed of taken) {
    const logger = ctx.logger.child({ request: removed.removal.request });
    const freed = await attempt(removed.removal.id, () => freeSpace(ctx, removed, logger).then(() => true));
    if (freed) pruned.push(removed);
  }
  if (pruned.length > 0) await ctx.waker.wake();
  return { pruned, failed };
}

async function summarize(ctx: ServedContext, payload: PrunePayload, result: PruneResult): Promise<void> {
  const pruned = result.pruned.length;
  await ctx.audit.append({
    action: 'prune_instances',
    request: 'request' in payload ? payload.request : null,
    reason: result.sentence,
    bytes: result.reclaimedBytes,
    outcome: result.failed.length > 0 ? 'incomplete' : 'done',
    pruned,
    kept: result.kept,
    space_reclaimed_gb: Number((result.reclaimedBytes / 1e9).toFixed(3)),
  });
  const facts = { pruned, kept: result.kept, failed: result.failed.length, cause: payload.cause };
  ctx.logger.info({ ...facts, reclaimed: formatBytes(result.reclaimedBytes) }, 'prune run ended');
}
