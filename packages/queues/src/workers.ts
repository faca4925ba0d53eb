import type { Queue } from 'bullmq';
import { redisRefusalOf } from './redis-error.ts';

/**
 * How many workers take jobs from a queue; null where that cannot be known: a managed Redis may refuse CLIENT, by which
 * BullMQ counts them.
 */
export async function countWorkers(queue: Queue): Promise<number | null> {
  try {
    const workers = await queue.getWorkers();
    return workers.some(({ name }) => name === CANNOT_KNOW) ? null : workers.length;
  } catch (error) {
    if (redisRefusalOf(error)?.passes === false) return null;
    throw error;
  }
}

/** What BullMQ returns in place of the workers where Redis does not know CLIENT. */
const CANNOT_KNOW = 'GCP does not support client list';
