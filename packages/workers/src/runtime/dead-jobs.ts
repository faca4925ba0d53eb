import { type PoolQueues, QUEUE_NAMES } from '@spica/queues';
import type { Redis } from 'ioredis';

/**
 * Has the jobs that a killed worker left in the middle taken up by the next worker at once, rather than when their locks
 * run out. Only for whoever holds the pool's claim, and before its workers start: nobody can be at these jobs then.
 * Resolves with how many there were.
 *
 * BullMQ has no call for this. What is set here is what its own check for stalled jobs would come to by itself: a job
 * that is active, has no lock, and was seen by the check before.
 */
export async function freeDeadJobs(queues: PoolQueues, redis: Redis): Promise<number> {
  let freed = 0;
  for (const name of QUEUE_NAMES) {
    const queue = queues[name];
    const active = await redis.lrange(queue.toKey('active'), 0, -1);
    if (active.length === 0) continue;
    const locks = active.map((id) => `${queue.toKey(id)}:lock`);
    await redis
      .multi()
      .del(...locks)
      .sadd(queue.toKey('stalled'), ...active)
      .del(queue.toKey('stalled-check'))
      .exec();
    freed += active.length;
  }
  return freed;
}
