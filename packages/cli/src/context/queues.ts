import { closeQueues, openQueues, type PoolQueues } from '@spica/queues';
import type { Invocation } from '../io.ts';
import { type RemotePool, withCatalog } from './catalog.ts';

/** A pool as far as Redis knows it, with its queues. */
export interface QueuedPool extends RemotePool {
  readonly queues: PoolQueues;
}

/**
 * The same as `withCatalog` for commands that read or add jobs. Others do without: the queues bring BullMQ along, which
 * takes its time to load.
 */
export async function withQueues<T>(
  invocation: Invocation,
  work: (pool: QueuedPool) => Promise<T>,
): Promise<T> {
  return withCatalog(invocation, async (pool) => {
    const queues = openQueues(pool.policy.name, pool.redis);
    const result = await work({ ...pool, queues });
    await closeQueues(queues);
    return result;
  });
}
