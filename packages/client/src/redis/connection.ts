import { type Catalog, createCatalog } from '@spica/catalog';
import { UsageError } from '@spica/core';
import {
  closeQueues,
  connectObserver,
  describeTarget,
  type OpenEvents,
  openEvents,
  openQueues,
  type PoolQueues,
  type QueueName,
  type RedisTarget,
  type RequestWatcher,
  servedPools,
  toUnreachable,
  watchRequests,
} from '@spica/queues';
import type { Redis } from 'ioredis';

/** A pool in Redis: its name, and what the catalog knows of it. */
export interface CatalogPool {
  readonly name: string;
  readonly catalog: Catalog;
}

/** A pool as a runner reaches it: its queues and its catalog, in one Redis. */
export interface Connection extends CatalogPool {
  readonly redis: Redis;
  /** Where Redis is, for people. */
  readonly where: string;
  readonly queues: PoolQueues;
  readonly watcher: RequestWatcher;
  /** What happens in a queue, over one connection for all who listen. */
  events(queue: QueueName): Promise<OpenEvents>;
  /** Ends all of it. */
  close(): Promise<void>;
}

/**
 * Opens a pool. It lives through restarts of Redis: what is sent while that is away fails at once, what waits goes on
 * waiting. `asked`: the pool's name; null for the only one that is served there. Throws UnreachableError where Redis cannot
 * be reached at the start, or goes away in the middle of it.
 */
export async function openConnection(target: RedisTarget, asked: string | null): Promise<Connection> {
  const redis: Redis = await connectObserver(target);
  const where = describeTarget(target);
  const rethrow = (error: unknown): never => {
    throw toUnreachable(error, where) ?? error;
  };
  try {
    const name = asked ?? (await findPool(redis));
    const queues = openQueues(name, redis);
    const watcher = await watchRequests(queues, redis);
    const opened = new Map<QueueName, Promise<OpenEvents>>();
    const events = (queue: QueueName) => {
      const opening = opened.get(queue) ?? openEvents(queues[queue], redis).catch(rethrow);
      opened.set(queue, opening);
      opening.catch(() => opened.delete(queue)); // the next one tries anew
      return opening;
    };
    const close = async () => {
      await watcher.close();
      for (const opening of opened.values()) await (await opening.catch(() => null))?.close();
      await closeQueues(queues);
      redis.disconnect();
    };
    return {
      name,
      redis,
      where,
      queues,
      watcher,
      events,
      close,
      catalog: createCatalog({ redis, pool: name }),
    };
  } catch (error) {
    redis.disconnect();
    return rethrow(error);
  }
}

/** The only pool that is served there. Throws UsageError POOL_AMBIGUOUS that lists them where there are several. */
async function findPool(redis: Redis): Promise<string> {
  const served = (await servedPools(redis)) ?? [];
  if (served.length <= 1) return served[0] ?? 'main';
  throw new UsageError('POOL_AMBIGUOUS', `pool: expected one of: ${served.join(', ')}; none was given`);
}
