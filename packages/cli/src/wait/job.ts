import { toRequestError } from '@spica/queues';
import { type Job, type Queue, QueueEvents } from 'bullmq';
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
  const connection = redis.duplicate({ maxRetriesPerRequest: null, commandTimeout: undefined as never });
  connection.on('error', () => undefined); // reconnects by itself; whether anybody works is watched elsewhere
  const events = new QueueEvents(queue.name, { connection, prefix: queue.opts.prefix ?? 'bull' });
  events.on('error', () => undefined);
  try {
    await events.waitUntilReady();
    const job = await queue.add(name, payload);
    return await Promise.race([endOf(job, events), abortion(signal)]);
  } finally {
    connection.disconnect();
    await events.close();
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
