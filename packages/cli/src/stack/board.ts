import { dirname } from 'node:path';
import { createCatalog, createSessions, createTokens } from '@spica/catalog';
import { openRedisTransport, type Transport } from '@spica/client/redis';
import { type Config, type PoolConfig, systemClock, UnreachableError } from '@spica/core';
import { imageFileOf, isInImage, openPool, readImageHost, readSpace } from '@spica/pool';
import {
  apiSocketOf,
  closeQueues,
  connectObserver,
  describeTarget,
  openQueues,
  type RedisTarget,
  redisTargetOf,
  toUnreachable,
} from '@spica/queues';
import { type RunCommand, type ServedWork, type ServerPool, startServer } from '@spica/server';
import type { createLogger } from '@spica/workers';
import type { Redis } from 'ioredis';
import { version } from '../version.ts';

export interface Board {
  readonly url: string;
  /** The HTTP API's unix socket; null where another process serves it. */
  readonly socket: string | null;
  close(): Promise<void>;
}

type Logger = ReturnType<typeof createLogger>;

export interface BoardOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** How a command would run that is called as this one was; by default it runs where it is called. */
  readonly runCommand?: RunCommand;
  /** What this process's workers do, where it has some. */
  readonly work?: ServedWork;
}

/**
 * Starts the dashboard over the config's pools, whoever serves them, at `server.host` and `server.port`. Throws
 * UnreachableError REDIS_UNREACHABLE, or what `startServer` throws. Once it is up, it stays up without Redis.
 */
export async function startBoard({ config, logger, runCommand, work }: BoardOptions): Promise<Board> {
  const target = redisTargetOf(config);
  const redis = await connectObserver(target);
  const pools = Object.values(config.pools).map((policy) => openServerPool(policy, redis));
  const transports: Transport[] = [];
  const close = async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    await Promise.all(pools.map(({ queues }) => closeQueues(queues)));
    redis.disconnect();
  };
  try {
    for (const pool of Object.keys(config.pools)) transports.push(await openRedisTransport(target, { pool }));
    const ping = () => pingRedis(redis, target);
    const server = await startServer({
      ...config.server,
      socket: apiSocketOf(config.stateDir),
      pools,
      transports,
      tokens: createTokens(redis),
      sessions: createSessions(redis),
      paths: pathsOf(config),
      ping,
      clock: systemClock,
      logger,
      version,
      ...(runCommand ? { runCommand } : {}),
      ...(work ? { work } : {}),
    });
    const quiet = reportLoss(redis, target, logger);
    return {
      url: server.url,
      socket: server.socket,
      async close() {
        quiet();
        await server.close().finally(close);
      },
    };
  } catch (error) {
    await close();
    throw toUnreachable(error, describeTarget(target)) ?? error;
  }
}

/** Where pools, templates, the disks that are watched and Spica's own state lie: nothing for callers of the HTTP API who are no operators. */
export function pathsOf({ pools, stateDir, audit }: Config): string[] {
  const ofPools = Object.values(pools).flatMap(({ root, templates, collectTo, image, disk }) => [
    root,
    ...(image === null ? [] : [dirname(imageFileOf(root, image))]),
    ...disk.alsoWatch,
    ...(collectTo === null ? [] : [collectTo]),
    ...Object.values(templates).map(({ path }) => path),
  ]);
  return [...ofPools, stateDir, ...(audit.path === null ? [] : [audit.path])];
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
    if (!lost) logger.warn({ redis: describeTarget(target) }, 'the server has lost Redis');
    lost = true;
  };
  const ready = () => {
    if (lost) logger.info('the server has Redis back');
    lost = false;
  };
  redis.on('close', closed).on('ready', ready);
  return () => redis.off('close', closed).off('ready', ready);
}
