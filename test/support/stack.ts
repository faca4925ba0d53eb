import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, resolveConfig, systemClock } from '@spica/core';
import { initPool } from '@spica/pool';
import {
  connectProducer,
  openQueues,
  type PoolQueues,
  type RedisTarget,
  type RequestResult,
  type RequestWatcher,
  type SpawnRequest,
  submitRequest,
  watchRequests,
} from '@spica/queues';
import {
  createLogger,
  createWorkEvents,
  type Runtime,
  type ServedContext,
  startRuntime,
  type WorkEvents,
} from '@spica/workers';
import type { Redis } from 'ioredis';

/** A pool that is really served, in a directory of its own, on a given Redis. */
export interface Stack {
  readonly dir: string;
  readonly config: Config;
  readonly target: RedisTarget;
  readonly redis: Redis;
  readonly queues: PoolQueues;
  readonly ctx: ServedContext;
  readonly watcher: RequestWatcher;
  /** What its workers do. */
  readonly events: WorkEvents;
  /** Submits a request and returns its id. */
  submit(request?: Partial<SpawnRequest>): Promise<string>;
  /** Submits a request and waits for its end. */
  spawn(request?: Partial<SpawnRequest>): Promise<RequestResult>;
  close(): Promise<void>;
}

export interface StackOptions {
  readonly target: RedisTarget;
  /** Name of the pool; one Redis can serve several tests if theirs differ. */
  readonly pool?: string;
  /** Where the pool's root goes; a temporary directory otherwise. */
  readonly root?: string;
  /** As `spica.yaml` has them. */
  readonly templates: Readonly<Record<string, string | object>>;
  /** Further keys of `spica.yaml`, by dotted path. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly logLevel?: string;
}

/** Makes, initialises and serves a pool. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-stack-'));
  const pool = options.pool ?? 'main';
  const config = stackConfig(dir, options);
  const policy = config.pools[pool];
  if (!policy) throw new Error(`no pool ${pool} in the test's config`);
  await mkdir(config.stateDir, { recursive: true });
  await initPool({ name: pool, root: policy.root, clock: systemClock });
  const logger = createLogger({
    level: options.logLevel ?? process.env['SPICA_TEST_LOG'] ?? 'silent',
    pretty: false,
  });
  const redis = await connectProducer(options.target);
  const queues = openQueues(pool, redis);
  const events = createWorkEvents(logger);
  const clock = systemClock;
  const runtime: Runtime = await startRuntime({ config, target: options.target, clock, logger, events });
  const ctx = runtime.pools.get(pool);
  if (!ctx) throw new Error(`pool ${pool} is not served`);
  const watcher = await watchRequests(queues, redis);
  const submit = (request: Partial<SpawnRequest> = {}) =>
    submitRequest(queues, { ...aRequest(pool), ...request }, { key: null, clock: systemClock });
  return {
    dir,
    config,
    target: options.target,
    redis,
    queues,
    ctx,
    watcher,
    events,
    submit,
    spawn: async (request) => watcher.wait(await submit(request)),
    async close() {
      await watcher.close();
      await runtime.close();
      redis.disconnect();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The config that `startStack` serves: small floor, everything in `dir`. */
export function stackConfig(dir: string, options: StackOptions): Config {
  const pool = options.pool ?? 'main';
  const settings = {
    [`pools.${pool}.root`]: options.root ?? join(dir, 'pool'),
    [`pools.${pool}.templates`]: options.templates,
    [`pools.${pool}.disk.min_free_space_gb`]: 0.001,
    [`pools.${pool}.disk.min_free_inodes_percent`]: 0,
    ...options.settings,
  };
  const flags = { ...settings };
  return resolveConfig({
    file: null,
    env: { SPICA_STATE_DIR: join(dir, 'state') },
    flags,
    cwd: dir,
    home: dir,
  }).config;
}

/** A request for one instance of the template `default`. */
export function aRequest(pool: string): SpawnRequest {
  return {
    pool,
    template: 'default',
    count: 1,
    params: {},
    paramsEach: null,
    budget: null,
    parent: null,
    from: null,
    experiment: null,
    labels: {},
    notes: '',
    lease: null,
    ttlMs: null,
    replicas: null,
    collect: null,
    maxWaitMs: null,
    by: null,
  };
}
