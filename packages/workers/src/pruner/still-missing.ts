import { type Amount, missingOf, roomNow, type Size } from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import pTimeout from 'p-timeout';
import type { ServedContext } from '../context.ts';
import { readDisk } from '../gatekeeper/facts.ts';
import { figuresOf, missingIn } from '../pressure/figures.ts';
import { untilVerified } from './space-returning.ts';

/** The jobs of the prune queue that make room. */
export type ForRoom = Extract<PrunePayload, { cause: 'request' | 'pressure' }>;
type ForRequest = Extract<ForRoom, { cause: 'request' }>;

/** What was deleted last is waited for no longer than this. */
const VERIFY_MS = 30_000;

export function isForRoom(job: PrunePayload): job is ForRoom {
  return job.cause === 'request' || job.cause === 'pressure';
}

/**
 * What is missing now of what was missing when a job was added: what ran before it may have brought it, once that is known.
 * For one shortage nothing goes twice. Throws the signal's reason.
 */
export async function stillMissing(ctx: ServedContext, job: ForRoom, signal?: AbortSignal): Promise<Amount> {
  const { shortfall } = job;
  if (shortfall.bytes === 0 && shortfall.inodes === 0) return shortfall;
  const terms = { milliseconds: VERIFY_MS, fallback: () => undefined, ...(signal ? { signal } : {}) };
  await pTimeout(untilVerified(ctx.pool), terms);
  const now = job.cause === 'request' ? await missingFor(ctx, job) : await missingOnDisk(ctx);
  return {
    bytes: Math.min(shortfall.bytes, now.bytes),
    inodes: Math.min(shortfall.inodes, now.inodes),
    slots: shortfall.slots,
  };
}

/**
 * By the gate's own sum. Room that was made for other requests counts as taken until the gate has decided them. If more is
 * missing then than the job asks for, this is nothing: the gate decides the request anew after the others.
 */
async function missingFor(ctx: ServedContext, { request, need, shortfall }: ForRequest): Promise<Size> {
  const { ledger, reclaims } = ctx.gate;
  const disk = await readDisk(ctx, ledger.sums(ctx.clockGuard.now()), ledger.ownBytes);
  const total = { bytes: need.bytes, inodes: need.inodes };
  for (const [id, other] of reclaims) {
    if (id === request || !other.isMade) continue;
    total.bytes += other.need.bytes;
    total.inodes += other.need.inodes;
  }
  const room = roomNow(disk, ledger.sums(ctx.clockGuard.now()));
  const [alone, together] = [missingOf(need, room), missingOf(total, room)];
  const isMore = ({ bytes, inodes }: Size) => bytes > shortfall.bytes || inodes > shortfall.inodes;
  return isMore(together) && !isMore(alone) ? { bytes: 0, inodes: 0 } : together;
}

async function missingOnDisk(ctx: ServedContext): Promise<Size> {
  return missingIn(figuresOf(ctx, await ctx.gauge.read({ maxAgeMs: 0 })));
}
