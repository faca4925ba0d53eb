import type { Redis } from 'ioredis';
import { prefixOf, QUEUE_NAMES, type QueueName } from './names.ts';
import { redisRefusalOf } from './redis-error.ts';

/**
 * Figures of a pool's queues, read from Redis itself: BullMQ takes longer to load than a command that needs no more than
 * these takes in all. The tests compare them with what BullMQ says.
 */

const JOB_STATES = ['waiting', 'active', 'delayed', 'waiting-children', 'failed'] as const;
type JobState = (typeof JOB_STATES)[number];

export type JobCounts = Readonly<Record<JobState, number>>;

/** How many jobs of each queue are in each state. */
export async function countJobs(redis: Redis, pool: string): Promise<Record<QueueName, JobCounts>> {
  const pipeline = redis.pipeline();
  for (const queue of QUEUE_NAMES) {
    const key = (state: string) => `${prefixOf(pool)}:${queue}:${state}`;
    pipeline.llen(key('wait')).llen(key('active'));
    pipeline.zcard(key('delayed')).zcard(key('waiting-children')).zcard(key('failed'));
  }
  const replies = (await pipeline.exec()) ?? [];
  const counts = replies.map(([error, count]) => {
    if (error) throw error;
    return Number(count);
  });
  return byQueue((_, at) => {
    const own = counts.slice(at * JOB_STATES.length);
    return Object.fromEntries(JOB_STATES.map((state, i) => [state, own[i] ?? 0])) as JobCounts;
  });
}

/**
 * How many workers each queue has, told by the names of their connections; null where Redis does not list its clients, as
 * some managed ones refuse to.
 */
export async function countWorkers(redis: Redis, pool: string): Promise<Record<QueueName, number | null>> {
  const names = await clientNames(redis);
  if (names === null) return byQueue(() => null);
  return byQueue((queue) => {
    const name = `${prefixOf(pool)}:${Buffer.from(queue).toString('base64')}`;
    return names.filter((each) => each === name || each.startsWith(`${name}:w:`)).length;
  });
}

/**
 * The pools that workers take requests of, by the names of their connections; null where Redis does not list its clients.
 */
export async function servedPools(redis: Redis): Promise<string[] | null> {
  const names = await clientNames(redis);
  const gate = Buffer.from('gate').toString('base64');
  const served = names?.map((name) => /^\{spica:(.*)\}:(.*?)(?::w:.*)?$/.exec(name));
  return served
    ? [...new Set(served.flatMap((found) => (found?.[1] && found[2] === gate ? [found[1]] : [])))].sort()
    : null;
}

async function clientNames(redis: Redis): Promise<string[] | null> {
  try {
    const clients = String(await redis.client('LIST'));
    return clients.split('\n').map((client) => / name=(\S*)/.exec(client)?.[1] ?? '');
  } catch (error) {
    if (redisRefusalOf(error)?.passes === false) return null;
    throw error;
  }
}

function byQueue<T>(of: (queue: QueueName, index: number) => T): Record<QueueName, T> {
  return Object.fromEntries(QUEUE_NAMES.map((queue, i) => [queue, of(queue, i)])) as Record<QueueName, T>;
}
