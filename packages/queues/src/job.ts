import { CheckError } from '@spica/core';
import type { Job, JobsOptions, Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { endOf } from './end.ts';
import { type OpenEvents, openEvents } from './events.ts';
import { toRequestError } from './failure.ts';
import type { QueueName } from './names.ts';
import type { PoolQueues } from './open.ts';
import { requireWorker, whileServed } from './worker.ts';

export interface JobTerms {
  readonly redis: Redis;
  /** The queue's events, where the caller listens to them already; else they are read over a connection of their own. */
  readonly events?: OpenEvents;
  /** Ends the waiting when it is aborted. */
  readonly signal?: AbortSignal;
  readonly options?: JobsOptions;
}

/**
 * Adds a job and waits for its end; resolves with what its processor returned. Throws the error that it failed with,
 * CheckError JOB_REMOVED when somebody removed it before, or the signal's reason when the waiting is aborted (the job goes on).
 */
export async function runJob(
  queue: Queue,
  name: string,
  payload: object,
  { redis, events: shared, signal, options = {} }: JobTerms,
): Promise<unknown> {
  const opening = shared ? null : openEvents(queue, redis);
  try {
    // At the same time: who waits for a job looks first whether it has ended already.
    const [job, { events }] = await Promise.all([
      queue.add(name, payload, options),
      opening ?? (shared as OpenEvents),
    ]);
    return await resultOf({ queue, job, events }, signal);
  } finally {
    const opened = await opening?.catch(() => null); // its error was reported above
    await opened?.close();
  }
}

/**
 * Has the pool's worker do a job and waits for its end, for as long as there is a worker. Nothing is added when none
 * serves the pool: a prune must not run long after who asked for it went away. Throws UnreachableError
 * WORKER_UNREACHABLE, the signal's reason (the job goes on), or what the job failed with.
 */
export async function runServedJob(
  queues: PoolQueues,
  name: Extract<QueueName, 'prune' | 'sample'>,
  payload: { readonly pool: string },
  terms: JobTerms,
): Promise<unknown> {
  const { redis, signal } = terms;
  const served = { pool: payload.pool, queue: name };
  await requireWorker(redis, served, signal ? { signal } : {});
  const work = (until: AbortSignal) => runJob(queues[name], name, payload, { ...terms, signal: until });
  return whileServed(redis, served, work, signal);
}

async function resultOf(
  { queue, job, events }: { readonly queue: Queue; readonly job: Job; readonly events: QueueEvents },
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { promise: removal, reject } = Promise.withResolvers<never>();
  const gone = () => new CheckError('JOB_REMOVED', `${job.name}: its job was removed before it ended`);
  const removed = ({ jobId }: { readonly jobId: string }) => {
    if (jobId === job.id) reject(gone());
  };
  events.on('removed', removed);
  try {
    const end = await endOf(queue, events, job.id ?? '', Promise.race([removal, abortion(signal)]));
    if (end === null) throw gone();
    if ('failedReason' in end) throw toRequestError(end.failedReason, null);
    return end.result;
  } finally {
    events.off('removed', removed);
  }
}

/** Rejects with the signal's reason once it is aborted. */
function abortion(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
