import type { Job, Queue } from 'bullmq';

/**
 * A queue's job of an id; undefined where there is none. BullMQ takes whatever it has under such a name for a job, the
 * queue's own `meta` and its schedules (`repeat:…`) too, and removes them as one: only a job has a time of its own.
 */
export async function findJob(queue: Queue, id: string): Promise<Job | undefined> {
  const job = await readJob(queue, id);
  return job && Number.isFinite(job.timestamp) ? job : undefined;
}

async function readJob(queue: Queue, id: string): Promise<Job | undefined> {
  try {
    return (await queue.getJob(id)) as Job | undefined;
  } catch (error) {
    const isOfAnotherType = error instanceof Error && error.message.startsWith('WRONGTYPE');
    if (isOfAnotherType) return undefined; // a list, a set or a counter of the queue's own, such as `id`
    throw error;
  }
}
