import { type Amount, missingOf, roomNow, type Size } from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { readDisk } from '../gatekeeper/facts.ts';
import { figuresOf, missingIn } from '../pressure/figures.ts';
import { untilVerified } from './space-returning.ts';

/** The jobs of the prune queue that make room. */
export type ForRoom = Extract<PrunePayload, { cause: 'request' | 'pressure' }>;
type ForRequest = Extract<ForRoom, { cause: 'request' }>;

/**
 * What is missing now of what was missing when a job was added: what ran before it may have brought it, once that is known.
 * For one shortage nothing goes twice. Throws the signal's reason.
 */
export async function stillMissing(ctx: ServedContext, job: ForRoom, signal?: AbortSignal): Promise<Amount> {
  const { shortfall } = job;
  if (shortfall.bytes === 0 && shortfall.inodes === 0) return shortfall;
  await Promise.race([untilVerified(ctx.pool), untilAborted(signal)]);
  signal?.throwIfAborted();
  const now = job.cause === 'request' ? await missingFor(ctx, job) : await missingOnDisk(ctx);
  return {
    bytes: Math.min(shortfall.bytes, now.bytes),
    inodes: Math.min(shortfall.inodes, now.inodes),
    slots: shortfall.slots,
  };
}

/** By the gate's own sum, and with what was made for others that are to be decided again. */
async function missingFor(ctx: ServedContext, { request, need }: ForRequest): Promise<Size> {
  const { ledger, reclaims } = ctx.gate;
  const disk = await readDisk(ctx, ledger.sums(ctx.clockGuard.now()), ledger.ownBytes);
  const total = { bytes: need.bytes, inodes: need.inodes };
  for (const [id, other] of reclaims) {
    if (id === request || !other.isMade) continue;
    total.bytes += other.need.bytes;
    total.inodes += other.need.inodes;
  }
  return missingOf(total, roomNow(disk, ledger.sums(ctx.clockGuard.now())));
}

async function missingOnDisk(ctx: ServedContext): Promise<Size> {
  return missingIn(figuresOf(ctx, await ctx.gauge.read({ maxAgeMs: 0 })));
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal?.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
