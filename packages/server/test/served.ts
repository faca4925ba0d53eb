import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createCatalog,
  createSessions,
  createTokens,
  type HeldRequest,
  type PublishedGate,
} from '@spica/catalog';
import { type LedgerSums, NO_LIMITS, resolveConfig, type Space, systemClock } from '@spica/core';
import { connectObserver, openQueues, prefixOf, QUEUE_NAMES, submitRequest } from '@spica/queues';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { aRequest, type Stack } from '../../../test/support/stack.ts';
import { type Server, type ServerOptions, type ServerPool, startServer } from '../src/index.ts';

const SPACE: Space = { availableBytes: 61e9, totalBytes: 144e9, freeInodes: 900, totalInodes: 1_000 };

/** A Redis of its own, and a connection to it as the dashboard has one. */
export interface TestRedis {
  readonly pid: number;
  readonly redis: Redis;
  /** Has the server stop answering, or go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  close(): Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  const stateDir = await mkdtemp(join(tmpdir(), 'spica-server-'));
  const logger = createLogger({ level: 'silent', pretty: false });
  const server = await startEmbeddedRedis({ stateDir, logger });
  const redis = await connectObserver(server.target);
  return {
    pid: server.pid,
    redis,
    signal: (signal) => process.kill(server.pid, signal),
    async close() {
      process.kill(server.pid, 'SIGCONT');
      redis.disconnect();
      await server.stop();
      await rm(stateDir, { recursive: true });
    },
  };
}

/** A pool with everything that the dashboard looks at real but the disk. */
export function openPool(name: string, redis: Redis, readSpace = async () => SPACE) {
  const flags = { [`pools.${name}.root`]: '/nowhere', [`pools.${name}.retention.max_instances`]: 12 };
  const { config } = resolveConfig({ file: null, env: {}, flags, cwd: '/', home: '/' });
  const policy = config.pools[name];
  if (!policy) throw new Error(`no pool ${name} in the test's config`);
  return {
    policy,
    queues: openQueues(name, redis),
    redis,
    catalog: createCatalog({ redis, pool: name }),
    readSpace,
    readImage: async () => ({ inImage: false, host: null }),
  };
}

/** The pool of a stack, as the server looks at it. */
export function poolOf({ ctx, redis, queues }: Pick<Stack, 'ctx' | 'redis' | 'queues'>): ServerPool {
  return {
    policy: ctx.policy,
    redis,
    queues,
    catalog: createCatalog({ redis, pool: ctx.pool.name }),
    readSpace: () => ctx.gauge.read({ maxAgeMs: 0 }),
    readImage: async () => ({ inImage: false, host: null }),
  };
}

/** What the process that serves a pool publishes of its gate. */
export function aGate({
  reserved = { bytes: 0, inodes: 0, slots: 0 },
  growth = { bytes: 0, inodes: 0 },
  held = [],
}: Partial<Pick<LedgerSums, 'reserved' | 'growth'>> & {
  held?: readonly HeldRequest[];
}): PublishedGate {
  const sums = { reserved, growth, instances: 0, landed: { bytes: 0, inodes: 0 }, bounds: {} };
  return {
    at: 0,
    sums,
    ownBytes: 0,
    atCap: null,
    orphanedBytes: null,
    limits: NO_LIMITS,
    share: 1,
    retention: null,
    floorBytes: null,
    root: null,
    disk: null,
    facts: null,
    audit: null,
    held,
    heldCount: held.length,
  };
}

/** A request for eight instances that is held since then (epoch milliseconds). */
export function heldSince(request: string, heldAt: number): HeldRequest {
  return { request, heldAt, submittedAt: heldAt, reason: 'short', count: 8, short: null };
}

let servers = 0;

/** Starts the dashboard and the HTTP API at a free port, and at a socket that no other test uses. */
export function serve(
  redis: Redis,
  pools: readonly ServerPool[],
  options: Partial<Omit<ServerOptions, 'pools'>> = {},
): Promise<Server> {
  return startServer(serverOptions(redis, pools, options));
}

export function serverOptions(
  redis: Redis,
  pools: readonly ServerPool[],
  options: Partial<Omit<ServerOptions, 'pools'>> = {},
): ServerOptions {
  servers += 1;
  return {
    host: '127.0.0.1',
    port: 0,
    tlsCert: null,
    tlsKey: null,
    rateLimit: null,
    socket: join(tmpdir(), `spica-api-${process.pid}-${servers}.sock`),
    pools,
    transports: [],
    tokens: createTokens(redis),
    sessions: createSessions(redis),
    paths: [],
    ping: () => redis.ping(),
    clock: systemClock,
    logger: createLogger({ level: 'silent', pretty: false }),
    version: '1.2.3',
    ...options,
  };
}

/** Connects a worker to each of a pool's queues that leaves every job alone. */
export async function idleWorkers(pool: string, redis: Redis): Promise<{ close(): Promise<void> }> {
  const workers = QUEUE_NAMES.map((name) => {
    const connection = redis.duplicate({ maxRetriesPerRequest: null, enableOfflineQueue: true });
    connection.on('error', () => undefined); // its Redis ends before it does
    return new Worker(name, null, { connection, prefix: prefixOf(pool) }).on('error', () => undefined);
  });
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  return { close: async () => void (await Promise.all(workers.map((worker) => worker.close(true)))) };
}

/** Puts a request for eight instances into a pool's gate and returns its id. */
export function submitEight({ policy, queues }: Pick<ServerPool, 'policy' | 'queues'>): Promise<string> {
  const request = { ...aRequest(policy.name), count: 8 };
  return submitRequest(queues, request, { key: null, clock: systemClock });
}
