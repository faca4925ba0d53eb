import { CheckError, TimedOutError } from '@spica/core';
import { QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { toRequestError } from './failure.ts';
import { prefixOf } from './names.ts';
import type { PoolQueues } from './open.ts';
import type { RequestResult } from './payload/request.ts';
import { progressOf, type RequestProgress } from './progress.ts';

export interface WaitOptions {
  /** A connection to duplicate for the blocking read of events. */
  readonly redis: Redis;
  readonly pool: string;
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
  wait(
    id: string,
    options?: Pick<WaitOptions, 'timeoutMs' | 'onProgress' | 'signal'>,
  ): Promise<RequestResult>;
  close(): Promise<void>;
}

/** Opens the event stream of a pool's gate. One watcher serves any number of requests. */
export async function watchRequests(
  queues: PoolQueues,
  { redis, pool }: Pick<WaitOptions, 'redis' | 'pool'>,
): Promise<RequestWatcher> {
  const connection = redis.duplicate({ maxRetriesPerRequest: null, commandTimeout: undefined as never });
  connection.on('error', () => undefined); // reconnects by itself; a lost worker shows in the caller's own checks
  // From a fixed place on: `$` would leave out what happens between two reads, or while the connection is away.
  const lastEventId = await newestEvent(queues, redis);
  const events = new QueueEvents('gate', { connection, prefix: prefixOf(pool), lastEventId });
  events.on('error', () => undefined);
  events.setMaxListeners(0);
  await events.waitUntilReady();
  return {
    wait: (id, options) => waitFor(queues, events, id, options ?? { timeoutMs: 2 ** 31 - 1 }),
    async close() {
      await events.close();
      connection.disconnect();
    },
  };
}

async function newestEvent(queues: PoolQueues, redis: Redis): Promise<string> {
  const [newest] = await redis.xrevrange(queues.gate.toKey('events'), '+', '-', 'COUNT', 1);
  return newest?.[0] ?? '0-0';
}

async function waitFor(
  queues: PoolQueues,
  events: QueueEvents,
  id: string,
  { timeoutMs, onProgress, signal }: Pick<WaitOptions, 'timeoutMs' | 'onProgress' | 'signal'>,
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
