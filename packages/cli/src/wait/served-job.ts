import type { PoolQueues, QueueName } from '@spica/queues';
import type { Redis } from 'ioredis';
import type { Io } from '../io.ts';
import { runJob } from './job.ts';
import { waitWhileServed } from './wait-for.ts';
import { requireWorker } from './worker.ts';

/**
 * Has the pool's worker do a job and waits for its end. Nothing is added when no worker serves the pool: a prune must
 * not run long after who asked for it went away. Throws UnreachableError, Interrupted, or what the job failed with.
 */
export async function runServedJob(
  queues: PoolQueues,
  name: Extract<QueueName, 'prune' | 'sample'>,
  payload: { readonly pool: string },
  { io, redis }: { io: Io; redis: Redis },
): Promise<unknown> {
  const queue = queues[name];
  const served = { pool: payload.pool, queue: name };
  await requireWorker(redis, served);
  const goesOn = `the ${name} job goes on; \`spica status\` and the dashboard show it`;
  return waitWhileServed({ io, redis, served, goesOn }, (signal) =>
    runJob(queue, name, payload, redis, signal),
  );
}
