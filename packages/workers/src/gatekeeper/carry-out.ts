import type { HeldRequest } from '@spica/catalog';
import {
  type Amount,
  afterAdmission,
  type Help,
  type Hold,
  isoTime,
  RefusedError,
  type Shortage,
  type Size,
  type Step,
} from '@spica/core';
import { type Admitted, childIds, type PreparePayload, type PrunePayload, progressOf } from '@spica/queues';
import { DelayedError } from 'bullmq';
import { openRequest } from '../gate/load.ts';
import { isUnaudited } from '../runtime/refused.ts';
import type { Gathered } from './facts.ts';
import { type GateJob, report, save, startChild } from './gate-job.ts';
import { startSpawns } from './spawns.ts';

/** A step of one kind. */
type Of<Kind extends Step['do']> = Extract<Step, { do: Kind }>;

/**
 * Lets the request in: makes its reservation in the same moment as the decision (before the first await). Then the audit
 * log says so, the job keeps it, and the spawn jobs are released. What cannot be kept is given back.
 */
export async function admit(
  gateJob: GateJob,
  { decision, reason }: Of<'admit'>,
  gathered: Gathered,
): Promise<void> {
  const { ctx, id, state } = gateJob;
  const { gate, config } = ctx;
  const { count } = state.request;
  const { perInstance: each } = decision.parts;
  const countStarts = config.gate.maxSpawnsPerHour !== null;
  gate.ledger.reserve(id, each, count);
  gate.limits = afterAdmission(gate.limits, { request: id, count, now: ctx.clock.now(), countStarts });
  const admitted: Admitted = {
    fingerprint: gathered.prepared?.fingerprint ?? '',
    generation: gathered.generation,
    each,
    expected: inWholes(gathered.expected ?? each),
  };
  try {
    const entry = { action: 'admit_request', request: id, reason, bytes: decision.need.bytes };
    await ctx.audit.append({ ...entry, outcome: 'admitted' });
    if (countStarts) await ctx.publisher.now();
    const kept = { admitted, failure: null, preparation: null, prepared: 0 };
    await save(gateJob, { step: 'spawn', round: state.round + 1, ...kept });
  } catch (error) {
    gate.ledger.giveBack(id);
    throw error;
  }
  openRequest(gate, ctx.pool.name, id, gateJob.state);
  ctx.observe({ kind: 'request-admitted', waitedMs: Math.max(0, ctx.clock.now() - state.submittedAt) });
  ctx.publisher.soon();
  await gate.line.leave(id);
  await startSpawns(gateJob);
}

/** Snapshots that are lost before anybody could clone them: so many in a row, and something deletes them. */
const MOST_LOST = 5;

/** Has the template's snapshot brought up to date by a job of the spawn queue. Throws RefusedError TEMPLATE_UNSTABLE. */
export async function prepare(gateJob: GateJob, { reason }: Of<'prepare'>): Promise<void> {
  const { ctx, id, state } = gateJob;
  const { template } = state.request;
  if (state.prepared >= MOST_LOST) {
    throw new RefusedError(
      'TEMPLATE_UNSTABLE',
      `template ${template}: its snapshot was lost ${MOST_LOST} times right after it had been made`,
    );
  }
  const data: PreparePayload = { pool: ctx.pool.name, request: id, template };
  const child = { name: 'prepare', id: childIds.prepare, data };
  const patch = { step: 'prepare', fingerprint: null } as const;
  await startChild(gateJob, ctx.queues.spawn, child, patch, { phase: 'preparing', reason });
}

/** Has room made by a job of the prune queue. `wakes`: the line's, from before the facts were gathered. */
export async function reclaim(
  gateJob: GateJob,
  { shortage, reason }: Of<'reclaim'>,
  wakes: number,
): Promise<void> {
  const { ctx, id } = gateJob;
  const { from } = gateJob.state.request;
  const data: PrunePayload = { pool: ctx.pool.name, cause: 'request', request: id, from, ...shortage };
  const child = { name: 'prune', id: childIds.prune, data };
  ctx.gate.reclaims.set(id, { wakes, need: shortage.need, isMade: false });
  await startChild(gateJob, ctx.queues.prune, child, { step: 'reclaim' }, { phase: 'reclaiming', reason });
}

/** What is known of when a held request may fit. */
export interface Planned {
  /** The room that there is, and could be made; null where no sum was made. */
  readonly room: Amount | null;
  /** After so many milliseconds the first lease ends that is in its way; null for none. */
  readonly nextLeaseEndMs: number | null;
  /** Who holds the room; null where nobody looked, or room is not what it waits for. */
  readonly help: Help | null;
}

/** What this process had heard before the facts were gathered. */
export interface Heard {
  /** The line's count of wake-ups. */
  readonly wakes: number;
  /** That the request was cancelled. */
  readonly wasCancelled: boolean;
}

/** Who is not the head of the line polls so seldom. */
const REST_POLL_MS = 60_000;
/** What ends at a moment has ended for certain a little later. */
const SLACK_MS = 50;

/**
 * Has the request wait: its job is delayed, with the reason visible, and comes again when something comes free, when a
 * lease or growth in its way ends, or to look by itself. What has not changed since it was last held is not written
 * again. Never returns.
 */
export async function hold(
  gateJob: GateJob,
  { reason, until, shortage, need }: Hold,
  { wakes, wasCancelled, room, nextLeaseEndMs, help }: Planned & Heard,
): Promise<never> {
  const { ctx, id, job, state } = gateJob;
  const { gate } = ctx;
  const now = ctx.clock.now();
  const heldAt = state.heldAt ?? now;
  if (state.heldAt === null) {
    gateJob.logger.info({ reason }, 'request held');
    ctx.observe({ kind: 'request-held' });
    await ctx.audit
      .append({ action: 'hold_request', request: id, reason, outcome: 'held' })
      .catch((error: unknown) => {
        // Nothing is refused or destroyed: a full disk must not keep the request from saying why it waits.
        if (!isUnaudited(error)) throw error;
        gateJob.logger.warn({ err: error }, 'the audit log does not say that the request is held');
      });
  }
  if (job.data.step !== 'decide' || job.data.heldAt === null) await save(gateJob, { heldAt });
  const progress = progressOf(job.progress);
  if (progress?.phase !== 'held' || progress.reason !== reason) {
    await job.log(reason);
    await report(gateJob, { phase: 'held', reason, since: isoTime(heldAt), until: isoTime(until) });
  }
  const delayMs = Math.min(until - now, delayOf(gateJob, { shortage, nextLeaseEndMs }));
  await job.moveToDelayed(Date.now() + delayMs, gateJob.token);
  const { submittedAt, request } = state;
  const short = shortage && sayShort(shortage, help, now);
  const waiting = { request: id, heldAt, submittedAt, count: request.count, reason, short, need, job };
  await gate.line.hold(waiting, room);
  ctx.publisher.soon();
  // Something came free, or it was cancelled, while it was decided: that wake-up found the job not delayed yet.
  if (gate.line.wakes !== wakes || (gate.cancelled.has(id) && !wasCancelled)) await gate.line.bringBack(id);
  throw new DelayedError();
}

/** What is missing, for whoever looks on. */
function sayShort({ shortfall }: Shortage, help: Help | null, now: number): HeldRequest['short'] {
  const found = help?.frees ?? null;
  const frees = found && { count: found.count, by: found.by, until: now + found.withinMs };
  return { shortfall, frees, help: help?.sentence || null };
}

/**
 * When a held request looks again by itself, in milliseconds from now: the head of the line at the latest after
 * `gate.poll_every`, and when a lease or growth in its way ends. The others are woken from there, and hardly poll.
 */
function delayOf(
  { ctx, id }: GateJob,
  { shortage, nextLeaseEndMs }: Pick<Hold, 'shortage'> & Pick<Planned, 'nextLeaseEndMs'>,
): number {
  const { gate, config, clockGuard } = ctx;
  const { pollEveryMs } = config.gate;
  if (!gate.line.isHead(id)) return Math.max(pollEveryMs, REST_POLL_MS);
  if (shortage === null) return pollEveryMs;
  const growthEnd = gate.ledger.nextGrowthEnd;
  const ends = [nextLeaseEndMs, growthEnd === null ? null : growthEnd - clockGuard.now()];
  return Math.min(pollEveryMs, ...ends.flatMap((ms) => (ms === null || ms < 0 ? [] : [ms + SLACK_MS])));
}

function inWholes({ bytes, inodes }: Size): Size {
  return { bytes: Math.ceil(bytes), inodes: Math.ceil(inodes) };
}
