import type { Queue, QueueEvents } from 'bullmq';

/** An end whose event was lost (with the connection, by a Redis that has stepped back) is found by the next look. */
const LOOK_EVERY_MS = 10_000;

/** How a job ended: what its processor returned, or why it failed. */
export type JobEnd = { readonly result: unknown } | { readonly failedReason: string };

/**
 * Waits for a job's end; null where there is no such job (any more). Throws what `until` rejects with, and what Redis says
 * where the job cannot be looked at. (BullMQ's `waitUntilFinished` looks at it in a promise that nobody has, so that a Redis
 * that goes away at that moment would end the process.)
 *
 * @param until Ends the waiting when it rejects.
 */
export async function endOf(
  queue: Queue,
  events: QueueEvents,
  id: string,
  until: Promise<never>,
): Promise<JobEnd | null> {
  const ended = Promise.withResolvers<JobEnd | null>();
  const completed = ({ jobId, returnvalue }: { jobId: string; returnvalue: unknown }) => {
    if (jobId === id) ended.resolve({ result: returnvalue });
  };
  const failed = ({ jobId, failedReason }: { jobId: string; failedReason: string }) => {
    if (jobId === id) ended.resolve({ failedReason });
  };
  const look = async () => {
    const end = await readEnd(queue, id).catch(() => 'open' as const); // the next look may find Redis back
    if (end !== 'open') ended.resolve(end);
  };
  events.on('completed', completed).on('failed', failed);
  const looks = setInterval(look, LOOK_EVERY_MS);
  try {
    // Read after listening has begun, so that an end in between is not missed.
    const read = readEnd(queue, id).then((end) => (end === 'open' ? ended.promise : end));
    return await Promise.race([read, ended.promise, until]);
  } finally {
    clearInterval(looks);
    events.off('completed', completed).off('failed', failed);
  }
}

async function readEnd(queue: Queue, id: string): Promise<JobEnd | 'open' | null> {
  const job = await queue.getJob(id);
  if (!job) return null;
  if (!job.finishedOn) return 'open';
  return job.failedReason ? { failedReason: job.failedReason } : { result: job.returnvalue };
}
