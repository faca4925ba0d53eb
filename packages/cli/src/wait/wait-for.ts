import type { Redis } from 'ioredis';
import type { Io } from '../io.ts';
import { Interrupted, onInterrupt } from './interrupted.ts';
import { type ServedQueue, watchWorker } from './worker.ts';

export interface WaitTerms {
  readonly io: Io;
  readonly redis: Redis;
  /** The queue whose workers are to do it. */
  readonly served: ServedQueue;
  /** What is waited for, for people, and how they find out what became of it: `request X goes on: …`. */
  readonly goesOn: string;
}

/**
 * Waits for work that others do, as long as somebody is there to do it and the user wants to wait. `work` gets a signal
 * that ends the waiting, not the work. Throws Interrupted on Ctrl-C, UnreachableError when the worker or Redis is gone.
 */
export async function waitWhileServed<T>(
  { io, redis, served, goesOn }: WaitTerms,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const release = onInterrupt(io, () => controller.abort(new Interrupted(goesOn)));
  const watch = watchWorker(redis, served, { signal }).catch((error: unknown) => {
    if (!signal.aborted) controller.abort(error);
  });
  try {
    return await work(signal);
  } finally {
    release();
    if (!signal.aborted) controller.abort(new Error('the waiting is over'));
    await watch;
  }
}
