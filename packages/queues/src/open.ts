import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { prefixOf, QUEUE_NAMES, type QueueName } from './names.ts';
import { tracing } from './telemetry.ts';

export type PoolQueues = Readonly<Record<QueueName, Queue>>;

/** How many ended jobs each queue keeps for Bull Board and `spica show`. */
const KEEP = { removeOnComplete: { count: 2_000 }, removeOnFail: { count: 2_000 }, keepLogs: 100 };

/** Events of a queue that are kept for who reads them; each that tells of a job's end has all that the job returned. */
const EVENTS: Readonly<Record<QueueName, number>> = {
  gate: 10_000,
  spawn: 10_000,
  prune: 10_000,
  sample: 2_000,
};

/** A pool's four queues over one connection, which stays the caller's to close. */
export function openQueues(pool: string, redis: Redis): PoolQueues {
  const open = (name: QueueName) => {
    const queue = new Queue(name, {
      connection: redis,
      prefix: prefixOf(pool),
      defaultJobOptions: KEEP,
      streams: { events: { maxLen: EVENTS[name] } },
      ...tracing(),
    });
    queue.setMaxListeners(0); // each job that somebody waits for adds one
    queue.on('error', () => undefined); // the connection's owner listens and logs; without a listener Node would exit
    return queue;
  };
  return Object.fromEntries(QUEUE_NAMES.map((name) => [name, open(name)])) as Record<QueueName, Queue>;
}

export async function closeQueues(queues: PoolQueues): Promise<void> {
  await Promise.all(QUEUE_NAMES.map((name) => queues[name].close()));
}
