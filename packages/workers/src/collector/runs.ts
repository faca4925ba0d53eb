import {
  CheckError,
  type Collected,
  countOf,
  failAgain,
  formatBytes,
  formatDuration,
  type PoolWork,
} from '@spica/core';
import { type Audit, collectInstance } from '@spica/pool';
import PQueue from 'p-queue';
import pTimeout from 'p-timeout';
import type { CollectNotes } from '../pruner/inventory.ts';
import { failureText } from '../pruner/message.ts';
import { type CollectContext, optionsFor } from './options.ts';

/** So many at a time: each holds a thread, of which there are few, and the disks are the same. */
const LANES = 2;
/** A copy that was told to end does so between two pieces, unless its disk does not answer. */
const GRACE_MS = 5_000;

interface Run {
  /** As whoever waits for it sees it. */
  readonly result: Promise<Collected>;
  /** Whoever waits for it waits no longer. */
  readonly giveUp: (reason: unknown) => void;
  readonly since: number;
}

/** What collections work with. */
type RunsContext = CollectContext & {
  readonly audit: Audit;
  readonly notes: CollectNotes;
  /** Absent without a worker, whose work is counted. */
  readonly observe?: (work: PoolWork) => void;
};

/** The collections of a pool, one for an instance at a time. */
export interface CollectRuns {
  /**
   * Collects an instance's results, or joins the collection that is under way. How it went is kept in the notes and, a failure
   * once for each cause, in the audit log, before this resolves. Throws CheckError: what `collectInstance` throws,
   * COLLECT_NOTHING, COLLECT_TIMEOUT, INSTANCE_UNKNOWN.
   */
  collect(id: string): Promise<Collected>;
  /** How many may begin at once. */
  readonly free: number;
  /** Calls `begin` whenever a lane has become free. */
  onFree(begin: () => void): void;
  isUnderWay(id: string): boolean;
  /** Somebody waited for it in vain: until it has ended, plans are to pass its instance over. */
  passOver(id: string): void;
  /** Those that plans are to pass over, with when each was asked for (epoch milliseconds). */
  passedOver(): ReadonlyMap<string, number>;
  /** Ends them; what a disk holds up is left behind. */
  close(): Promise<void>;
}

export function createCollectRuns(ctx: RunsContext): CollectRuns {
  const queue = new PQueue({ concurrency: LANES });
  const runs = new Map<string, Run>();
  const slow = new Set<string>();
  const closing = new AbortController();

  /** In the queue until it has really ended, whoever waits: a second one must not fill the same place. */
  const start = (id: string): Run => {
    const { promise: result, resolve, reject } = Promise.withResolvers<Collected>();
    result.catch(() => undefined); // whoever waits for it hears of it; it is noted in any case
    void queue.add(async () => {
      const work = collectAndNote(ctx, id, closing.signal);
      work.noted.then(resolve, reject);
      await work.ended;
      runs.delete(id);
      slow.delete(id);
    });
    return { result, giveUp: reject, since: ctx.clockGuard.now() };
  };

  return {
    collect(id) {
      const run = runs.get(id) ?? start(id);
      runs.set(id, run);
      return run.result;
    },
    get free() {
      return closing.signal.aborted ? 0 : Math.max(0, LANES - queue.pending - queue.size);
    },
    onFree: (begin) => void queue.on('next', begin),
    isUnderWay: (id) => runs.has(id),
    passOver(id) {
      if (runs.has(id)) slow.add(id);
    },
    passedOver: () => new Map([...slow].map((id) => [id, runs.get(id)?.since ?? 0])),
    async close() {
      closing.abort(new CheckError('COLLECT_CANCELLED', 'the worker ended'));
      queue.clear();
      for (const { giveUp } of runs.values()) giveUp(closing.signal.reason);
      await pTimeout(queue.onIdle(), { milliseconds: GRACE_MS, fallback: () => undefined });
    },
  };
}

/** `noted`: how it went, at the latest when its time is over; `ended`: it touches nothing any more. Never rejects. */
function collectAndNote(
  ctx: RunsContext,
  id: string,
  closing: AbortSignal,
): { noted: Promise<Collected>; ended: Promise<void> } {
  const { collectTimeoutMs: ms } = ctx.policy;
  const tooLong = new CheckError(
    'COLLECT_TIMEOUT',
    `it took longer than ${formatDuration(ms)} (collect_timeout)`,
  );
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(tooLong), ms);
  const signal = AbortSignal.any([closing, timeout.signal]);
  const work = collectNow(ctx, id, signal).finally(() => clearTimeout(timer));
  const ended = work.then(
    () => undefined,
    () => undefined,
  );
  const inTime = pTimeout(work, { milliseconds: ms + GRACE_MS, message: tooLong });
  const noted = inTime.then(
    (collected) => noteSuccess(ctx, id, collected),
    async (error: unknown) => {
      if (!closing.aborted) await noteFailure(ctx, id, error);
      throw error;
    },
  );
  return { noted, ended: Promise.allSettled([ended, noted]).then(() => undefined) };
}

async function collectNow(ctx: RunsContext, id: string, signal: AbortSignal): Promise<Collected> {
  signal.throwIfAborted();
  const record = (await ctx.notes.getMany([id]))[0]?.record;
  if (!record) throw new CheckError('INSTANCE_UNKNOWN', `no instance ${id} in pool ${ctx.pool.name}`, { id });
  if (record.collect.length === 0)
    throw new CheckError('COLLECT_NOTHING', `nothing of ${id} is to be collected`);
  const options = await optionsFor(ctx, record);
  if (options === null) throw noTarget(ctx.pool.name);
  return collectInstance(options, signal);
}

/** The error for a pool that has no place for results. */
export function noTarget(pool: string): CheckError {
  return new CheckError(
    'COLLECT_TARGET',
    `pool ${pool} has no place for results: expected collect_to in its config`,
  );
}

async function noteSuccess(
  { notes, audit, observe }: RunsContext,
  id: string,
  collected: Collected,
): Promise<Collected> {
  const { to, files, bytes, skipped } = collected;
  await notes.noteCollected(id, collected);
  const left = skipped > 0 ? `, ${skipped} left out` : '';
  const reason = `${countOf(files, 'file')}, ${formatBytes(bytes)}${left}`;
  observe?.({ kind: 'collected', bytes });
  await audit.append({
    action: 'collect_instance',
    instance: id,
    reason,
    bytes,
    outcome: `collected to ${to}`,
  });
  return collected;
}

/** What cannot be kept or written is logged: the collection is due as before. */
async function noteFailure(
  { notes, audit, clockGuard, logger, observe }: RunsContext,
  id: string,
  error: unknown,
): Promise<void> {
  observe?.({ kind: 'collect-failed' });
  try {
    const [known] = await notes.getMany([id]);
    if (!known || known.record.collect.length === 0) return;
    const { failure, isNews } = failAgain(known.collectFailure, failureText(error), clockGuard.now());
    await notes.noteCollectFailure(id, failure);
    if (!isNews) return;
    logger.warn({ err: error, instance: id }, 'its results could not be collected: it is kept');
    await audit.append({
      action: 'collect_instance',
      instance: id,
      reason: 'its owner asked for its results before it is deleted',
      bytes: 0,
      outcome: `failed: ${failure.cause}`,
    });
  } catch (err) {
    logger.warn({ err, instance: id }, 'that its results could not be collected could not be noted');
  }
}
