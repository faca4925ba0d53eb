import { type ServedQueue, whileServed } from '@spica/queues';
import type { Redis } from 'ioredis';
import type { Io } from '../io.ts';
import { Interrupted, onInterrupt } from './interrupted.ts';

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
  const interrupted = new AbortController();
  const release = onInterrupt(io, () => interrupted.abort(new Interrupted(goesOn)));
  try {
    return await whileServed(redis, served, work, interrupted.signal);
  } finally {
    release();
  }
}
