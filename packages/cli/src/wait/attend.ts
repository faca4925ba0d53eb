import type { Queue } from 'bullmq';
import type { Io } from '../io.ts';
import { Interrupted, onInterrupt } from './interrupted.ts';
import { watchWorker } from './worker.ts';

export interface Attendance {
  readonly io: Io;
  /** The queue whose workers are to do it. */
  readonly queue: Queue;
  readonly pool: string;
  /** What is waited for, for people, and how they find out what became of it: `request X goes on: …`. */
  readonly goesOn: string;
}

/**
 * Waits for work that others do, as long as somebody is there to do it and the user wants to wait. `work` gets a signal
 * that ends the waiting, not the work. Throws Interrupted on Ctrl-C, UnreachableError when the worker or Redis is gone.
 */
export async function attend<T>(
  { io, queue, pool, goesOn }: Attendance,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const release = onInterrupt(io, () => controller.abort(new Interrupted(goesOn)));
  const watch = watchWorker(queue, pool, { signal }).catch((error: unknown) => {
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
