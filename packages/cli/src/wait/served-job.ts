import { type PoolQueues, type QueueName, runServedJob as runJob } from '@spica/queues';
import type { Redis } from 'ioredis';
import type { Io } from '../io.ts';
import { Interrupted, onInterrupt } from './interrupted.ts';

/**
 * As `runServedJob` of the queues, until Ctrl-C: throws Interrupted then (the job goes on).
 */
export async function runServedJob(
  queues: PoolQueues,
  name: Extract<QueueName, 'prune' | 'sample'>,
  payload: { readonly pool: string },
  { io, redis }: { io: Io; redis: Redis },
): Promise<unknown> {
  return untilInterrupted(io, name, (signal) => runJob(queues, name, payload, { redis, signal }));
}

/** Runs work that waits for the pool's worker, with a signal that Ctrl-C aborts: throws Interrupted then. */
export async function untilInterrupted<T>(
  io: Io,
  job: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupted = new AbortController();
  const goesOn = `the ${job} job goes on; \`spica status\` and the dashboard show it`;
  const release = onInterrupt(io, () => interrupted.abort(new Interrupted(goesOn)));
  try {
    return await work(interrupted.signal);
  } finally {
    release();
  }
}
