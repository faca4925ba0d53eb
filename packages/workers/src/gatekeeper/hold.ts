import { formatDuration, isoTime, RefusedError, refuseAsFull } from '@spica/core';
import { DelayedError } from 'bullmq';
import { report, save, type Turn } from './turn.ts';
import { promote } from './waker.ts';

/**
 * Holds the request: it goes back to the gate's delayed set with its reason visible, and comes again when something
 * comes free, or to look by itself. Never returns. Throws RefusedError MAX_WAIT_EXCEEDED once it was held for its
 * `max_wait`. `seen` is the waker's count from before the look that failed.
 */
export async function hold(turn: Turn, reason: string, seen: number): Promise<never> {
  const { ctx, state, id } = turn;
  const now = ctx.clock.now();
  const maxWaitMs = state.request.maxWaitMs ?? ctx.config.gate.maxWaitMs;
  const heldAt = state.heldAt ?? now;
  const leftMs = heldAt + maxWaitMs - now;
  if (leftMs <= 0) {
    throw new RefusedError(
      'MAX_WAIT_EXCEEDED',
      `held for ${formatDuration(maxWaitMs)} (max_wait) in vain: ${reason}`,
    );
  }
  if (state.heldAt === null) {
    await refuseIfFull(turn);
    turn.logger.info({ reason }, 'request held');
    await ctx.audit.append({ action: 'hold_request', request: id, reason, outcome: 'held' });
  }
  const first = state.heldAt === null;
  await save(turn, { step: 'preflight', heldAt });
  if (first || reason !== heldReason(turn)) await turn.job.log(reason);
  await report(turn, {
    phase: 'held',
    reason,
    since: isoTime(heldAt),
    until: isoTime(heldAt + maxWaitMs),
  });
  await ctx.catalog.hold(id, {
    at: heldAt,
    submittedAt: state.submittedAt,
    reason,
    count: state.request.count,
  });
  const delayMs = Math.min(ctx.config.gate.pollEveryMs, leftMs);
  await turn.job.moveToDelayed(Date.now() + delayMs, turn.token);
  // Something came free while this turn was looking: its wake-up found the request not delayed yet.
  if (ctx.waker.count !== seen) await promote(ctx.queues, id);
  throw new DelayedError();
}

/** A new one is turned away at once when `max_waiting` are held already. */
async function refuseIfFull({ ctx }: Turn): Promise<void> {
  const { maxWaiting } = ctx.config.gate;
  if (maxWaiting === null) return;
  const full = refuseAsFull((await ctx.catalog.held()).length, maxWaiting);
  if (full) throw new RefusedError('QUEUE_FULL', full);
}

function heldReason(turn: Turn): string | null {
  const progress = turn.job.progress;
  return typeof progress === 'object' && 'reason' in progress ? String(progress.reason) : null;
}
