import { CheckError, formatDuration, TimedOutError } from '@spica/core';
import type { QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { endOf } from './end.ts';
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

/** Opens the event stream of a pool's gate (`openEvents`). One watcher serves any number of requests. */
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
  const { promise: until, reject } = Promise.withResolvers<never>();
  const progressed = (event: { jobId: string; data: unknown }) => {
    const progress = event.jobId === id ? progressOf(event.data) : null;
    if (progress) onProgress?.(progress);
  };
  const timer = setTimeout(
    () => {
      reject(
        new TimedOutError(
          'WAIT_TIMED_OUT',
          `request ${id} has not ended after ${formatDuration(timeoutMs)}; it goes on`,
        ),
      );
    },
    Math.min(timeoutMs, 2 ** 31 - 1),
  );
  const aborted = () => reject(signal?.reason);
  if (signal?.aborted) aborted();
  signal?.addEventListener('abort', aborted, { once: true });
  events.on('progress', progressed);
  try {
    const end = await endOf(queues.gate, events, id, until);
    if (end === null)
      throw new CheckError('REQUEST_UNKNOWN', `request: no request ${id} is known (any more)`);
    if ('result' in end) return end.result as RequestResult;
    throw toRequestError(end.failedReason, await readRejection(queues, id));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
    events.off('progress', progressed);
  }
}

/** How the gate said no; null where it was not the gate. */
async function readRejection(queues: PoolQueues, id: string): Promise<RequestProgress | null> {
  const progress = progressOf((await queues.gate.getJob(id))?.progress);
  return progress?.phase === 'rejected' ? progress : null;
}
