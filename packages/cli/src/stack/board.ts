import { createCatalog } from '@spica/catalog';
import { type Config, type PoolConfig, systemClock, UnreachableError } from '@spica/core';
import { isInImage, openPool, readImageHost, readSpace } from '@spica/pool';
import {
  closeQueues,
  connectObserver,
  describeTarget,
  openQueues,
  type RedisTarget,
  redisTargetOf,
} from '@spica/queues';
import { type ServerPool, startServer } from '@spica/server';
import type { createLogger } from '@spica/workers';
import type { Redis } from 'ioredis';
import { version } from '../version.ts';

export interface Board {
  readonly url: string;
  close(): Promise<void>;
}

type Logger = ReturnType<typeof createLogger>;

export interface BoardOptions {
  readonly config: Config;
  readonly logger: Logger;
}

/**
 * Starts the dashboard over the config's pools, whoever serves them, at `server.host` and `server.port`. Throws
 * UnreachableError REDIS_UNREACHABLE, or what `startServer` throws. Once it is up, it stays up without Redis.
 */
export async function startBoard({ config, logger }: BoardOptions): Promise<Board> {
  const target = redisTargetOf(config);
  const redis = await connectObserver(target);
  const pools = Object.values(config.pools).map((policy) => openServerPool(policy, redis));
  const close = async () => {
    await Promise.all(pools.map(({ queues }) => closeQueues(queues)));
    redis.disconnect();
  };
  try {
    const ping = () => pingRedis(redis, target);
    const server = await startServer({ ...config.server, pools, ping, clock: systemClock, logger, version });
    const quiet = reportLoss(redis, target, logger);
    return {
      url: server.url,
      async close() {
        quiet();
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function openServerPool(policy: PoolConfig, redis: Redis): ServerPool {
  const { name, root } = policy;
  return {
    policy,
    redis,
    queues: openQueues(name, redis),
    catalog: createCatalog({ redis, pool: name }),
    // Through the marker: an unmounted disk would show the space of the one below it.
    readSpace: async () => readSpace((await openPool({ name, root })).paths.root),
    readImage: async () => ({ inImage: await isInImage(root), host: await readImageHost(root) }),
  };
}

async function pingRedis(redis: Redis, target: RedisTarget): Promise<unknown> {
  if (redis.status === 'ready') return redis.ping();
  throw new UnreachableError('REDIS_UNREACHABLE', `Redis at ${describeTarget(target)} is out of reach`);
}

/** Says once when Redis is lost and once when it is back, however often it is tried. Call the result to end that. */
function reportLoss(redis: Redis, target: RedisTarget, logger: Logger): () => void {
  let lost = false;
  const closed = () => {
    if (!lost) logger.warn({ redis: describeTarget(target) }, 'the dashboard has lost Redis');
    lost = true;
  };
  const ready = () => {
    if (lost) logger.info('the dashboard has Redis back');
    lost = false;
  };
  redis.on('close', closed).on('ready', ready);
  return () => redis.off('close', closed).off('ready', ready);
}
