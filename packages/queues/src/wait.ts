import { CheckError, TimedOutError } from '@spica/core';
import type { QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { openEvents } from './events.ts';
import { toRequestError } from './failure.ts';
import type { PoolQueues } from './open.ts';
import type { RequestResult } from './payload/request.ts';
import { progressOf, type RequestProgress } from './progress.ts';

export interface WaitOptions {
  /** Give up waiting (not the request) after this long. */
  readonly timeoutMs: number;
  readonly onProgress?: (progress: RequestProgress) => void;
  readonly signal?: AbortSignal;
}

/** Resolves or rejects as a request ends, however often one asks; close it when done. */
export interface RequestWatcher {
  /**
   * Waits for a request's end. Throws RefusedError when the gate rejected it, CheckError when it failed or is not
   * known (REQUEST_UNKNOWN), TimedOutError WAIT_TIMED_OUT after `timeoutMs` (the request goes on).
   */
  wait(id: string, options?: WaitOptions): Promise<RequestResult>;
  close(): Promise<void>;
}

/** Opens the event stream of a pool's gate. `redis` is duplicated. One watcher serves any number of requests. */
export async function watchRequests(queues: PoolQueues, redis: Redis): Promise<RequestWatcher> {
  const { events, close } = await openEvents(queues.gate, redis);
  return {
    wait: (id, options) => waitFor(queues, events, id, options ?? { timeoutMs: 2 ** 31 - 1 }),
    close,
  };
}

async function waitFor(
  queues: PoolQueues,
  events: QueueEvents,
  id: string,
  { timeoutMs, onProgress, signal }: WaitOptions,
): Promise<RequestResult> {
  const ended = Promise.withResolvers<void>();
  const seen = (event: { jobId: string }) => {
    if (event.jobId === id) ended.resolve();
  };
  const progressed = (event: { jobId: string; data: unknown }) => {
    const progress = event.jobId === id ? progressOf(event.data) : null;
    if (progress) onProgress?.(progress);
  };
  const timer = setTimeout(
    () => {
      ended.reject(
        new TimedOutError('WAIT_TIMED_OUT', `request ${id} has not ended after ${timeoutMs} ms; it goes on`),
      );
    },
    Math.min(timeoutMs, 2 ** 31 - 1),
  );
  const aborted = () => ended.reject(signal?.reason);
  if (signal?.aborted) aborted();
  signal?.addEventListener('abort', aborted, { once: true });
  events.on('completed', seen).on('failed', seen).on('progress', progressed);
  try {
    // Looked at after listening has begun, so that an end in between is not missed.
    const looked = isEnded(queues, id).then((already) => (already ? undefined : ended.promise));
    await Promise.race([looked, ended.promise]);
    return await readEnd(queues, id);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
    events.off('completed', seen).off('failed', seen).off('progress', progressed);
  }
}

async function isEnded(queues: PoolQueues, id: string): Promise<boolean> {
  const state = await queues.gate.getJobState(id);
  return state === 'completed' || state === 'failed' || state === 'unknown';
}

async function readEnd(queues: PoolQueues, id: string): Promise<RequestResult> {
  const job = await queues.gate.getJob(id);
  if (!job) throw new CheckError('REQUEST_UNKNOWN', `request: no request ${id} is known (any more)`);
  if (job.failedReason && job.finishedOn) {
    throw toRequestError(job.failedReason, progressOf(job.progress)?.phase === 'rejected');
  }
  return job.returnvalue as RequestResult;
}
