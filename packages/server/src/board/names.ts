import { QUEUE_NAMES, type QueueName } from '@spica/queues';
import type { ServerPool } from '../pool.ts';

/** Between pool and queue in the board's names; no pool's name has one. */
export const DELIMITER = '.';

/** The pool and the queue that the board calls by a name; null where there is none. */
export function findQueue(
  pools: readonly ServerPool[],
  name: string,
): { readonly pool: ServerPool; readonly queue: QueueName } | null {
  for (const pool of pools) {
    const queue = QUEUE_NAMES.find((each) => `${pool.policy.name}${DELIMITER}${each}` === name);
    if (queue) return { pool, queue };
  }
  return null;
}
