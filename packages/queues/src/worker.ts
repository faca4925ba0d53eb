import { setTimeout } from 'node:timers/promises';
import { UnreachableError } from '@spica/core';
import type { Redis } from 'ioredis';
import { countWorkers } from './figures.ts';
import type { QueueName } from './names.ts';

/** A queue of a pool, by name. */
export interface ServedQueue {
  readonly pool: string;
  readonly queue: QueueName;
}

/** A worker that is just starting, or starting again, is given this long. */
const GRACE_MS = 3_000;
const LOOK_EVERY_MS = 500;

export interface WorkerWait {
  /** How long there may be no worker. */
  readonly graceMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Resolves once a worker takes jobs from the queue, or where Redis does not tell (it refuses CLIENT). Throws
 * UnreachableError WORKER_UNREACHABLE when none does within the grace.
 */
export async function requireWorker(redis: Redis, served: ServedQueue, wait: WorkerWait = {}): Promise<void> {
  await pollUntil(redis, served, (workers) => workers !== 0, wait);
}

/**
 * Looks on while a job is waited for; never resolves. Throws UnreachableError WORKER_UNREACHABLE once there has been no
 * worker for the grace, what Redis throws when it is gone, and the signal's reason when it is aborted.
 */
export async function watchWorker(redis: Redis, served: ServedQueue, wait: WorkerWait = {}): Promise<never> {
  await pollUntil(redis, served, () => false, wait);
  throw new TypeError('the watch over the workers ended by itself');
}

/**
 * Waits for work that others do, as long as somebody is there to do it. `work` gets a signal that ends the waiting, not the
 * work. Throws what `watchWorker` throws, and the reason of `signal` once that is aborted.
 */
export async function whileServed<T>(
  redis: Redis,
  served: ServedQueue,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const over = new AbortController();
  const signal = outer ? AbortSignal.any([outer, over.signal]) : over.signal;
  const watch = watchWorker(redis, served, { signal }).catch((error: unknown) => {
    if (!signal.aborted) over.abort(error);
  });
  try {
    return await work(signal);
  } finally {
    over.abort(new Error('the waiting is over'));
    await watch;
  }
}

async function pollUntil(
  redis: Redis,
  { pool, queue }: ServedQueue,
  enough: (workers: number | null) => boolean,
  wait: WorkerWait,
): Promise<void> {
  let missingSince: number | null = null;
  for (;;) {
    const workers = (await countWorkers(redis, pool))[queue];
    if (enough(workers)) return;
    const now = performance.now();
    missingSince = workers === 0 ? (missingSince ?? now) : null;
    if (missingSince !== null && now - missingSince >= (wait.graceMs ?? GRACE_MS)) {
      throw new UnreachableError(
        'WORKER_UNREACHABLE',
        `no worker serves pool ${pool}: start one with \`spica up\``,
      );
    }
    await setTimeout(LOOK_EVERY_MS, undefined, wait.signal ? { signal: wait.signal } : {});
  }
}
