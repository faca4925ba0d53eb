import { openEvents, toRequestError } from '@spica/queues';
import type { Job, Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';

/**
 * Adds a job and waits for its end; resolves with what its processor returned. Throws the error that it failed with, or
 * the signal's reason when the waiting is aborted (the job goes on).
 */
export async function runJob(
  queue: Queue,
  name: string,
  payload: object,
  redis: Redis,
  signal?: AbortSignal,
): Promise<unknown> {
  const opening = openEvents(queue, redis);
  try {
    // At the same time: who waits for a job looks first whether it has ended already.
    const [job, { events }] = await Promise.all([queue.add(name, payload), opening]);
    return await Promise.race([endOf(job, events), abortion(signal)]);
  } finally {
    const opened = await opening.catch(() => null); // its error was reported above
    await opened?.close();
  }
}

async function endOf(job: Job, events: QueueEvents): Promise<unknown> {
  try {
    return await job.waitUntilFinished(events);
  } catch (error) {
    throw toRequestError(error instanceof Error ? error.message : String(error), false);
  }
}

/** Rejects with the signal's reason once it is aborted. */
function abortion(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
