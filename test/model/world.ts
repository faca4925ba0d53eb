import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog, hashLeaseToken } from '@spica/catalog';
import { instanceIdOf } from '@spica/core';
import { type AuditLog, initPool, openAudit, type Pool } from '@spica/pool';
import type { PoolQueues, PrunePayload, PruneResult, SpawnPayload } from '@spica/queues';
import type { ServedContext } from '@spica/workers';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { createClockGuard } from '../../packages/workers/src/clock/guard.ts';
import { tellOfClock } from '../../packages/workers/src/clock/tell.ts';
import { createPruner } from '../../packages/workers/src/pruner/processor.ts';
import { readAudit } from '../support/audit.ts';
import { stackConfig } from '../support/stack.ts';
import { Clocks } from './clocks.ts';
import { reconcileWorld } from './reconcile.ts';

const FINGERPRINT = '0'.repeat(16);
/** There is always room: to look would take a process each time. */
const SPACE = { availableBytes: 1e12, totalBytes: 2e12, freeInodes: null, totalInodes: null };
const logger = pino({ level: 'silent' });

export interface WorldOptions {
  /** A connection that nobody else uses, to a database that nobody else uses. */
  readonly redis: Redis;
  /** An empty directory. */
  readonly dir: string;
  readonly redisOnHost: boolean;
  /** Further keys of `spica.yaml`, by dotted path. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * A pool on a real disk and in a real Redis, with the worker that serves it, under clocks that are turned by hand. There
 * are no queues: what they would deliver is called. A worker can be killed and started anew.
 */
export class World {
  readonly clocks: Clocks;
  /** State of the requests' jobs, as the gate's queue would tell it. */
  readonly jobs = new Map<string, string>();
  readonly dir: string;
  readonly redis: Redis;
  readonly #config: ReturnType<typeof stackConfig>;
  #pool: Pool | null = null;
  #log: AuditLog | null = null;
  #ctx: ServedContext | null = null;

  private constructor({ redis, dir, redisOnHost, settings }: WorldOptions) {
    this.dir = dir;
    this.redis = redis;
    this.clocks = new Clocks({ redisOnHost });
    this.#config = stackConfig(dir, { target: { socket: '' }, templates: { default: dir }, settings });
  }

  static async open(options: WorldOptions): Promise<World> {
    const world = new World(options);
    const { dir } = world;
    options.redis.time = async () => world.clocks.redisTime() as unknown as [number, number];
    await Promise.all(['state', 'snapshot', 'outside'].map((name) => mkdir(join(dir, name))));
    await writeFile(join(dir, 'snapshot', 'VERSION'), '1.0.0\n');
    await symlink('../../outside', join(dir, 'snapshot', 'outside'));
    await writeFile(join(dir, 'outside', 'canary'), 'alive');
    world.#pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: world.clock });
    await mkdir(join(dir, 'pool', 'stranger'));
    await world.start();
    await reconcileWorld(world, true);
    return world;
  }

  readonly clock = { now: () => this.clocks.wall };

  get pool(): Pool {
    if (!this.#pool) throw new Error('no pool yet');
    return this.#pool;
  }

  /** The worker's that runs now. */
  get ctx(): ServedContext {
    if (!this.#ctx) throw new Error('no worker runs');
    return this.#ctx;
  }

  get auditPath(): string {
    return join(this.dir, 'state', 'audit.jsonl');
  }

  /** A new worker: it knows nothing but what is on the disk and in Redis. */
  async start(): Promise<void> {
    const { clock, clocks } = this;
    this.#log = await openAudit({ path: null, stateDir: join(this.dir, 'state'), clock, logger });
    const policy = this.#config.pools.main;
    if (!policy) throw new Error('no pool "main" in the config');
    const audit = this.#log.forPool('main');
    const catalog = createCatalog({ redis: this.redis, pool: 'main' });
    const nothing = new Error('the model has no such part');
    const unused = () => Promise.reject(nothing);
    const queues = { gate: { getJobState: async (id: string) => this.jobs.get(id) ?? 'unknown' } };
    const prune = { getWaitingCount: async () => 0, add: async () => undefined };
    const spawn = { getActiveCount: async () => 0 };
    this.#ctx = {
      config: this.#config,
      policy,
      pool: this.pool,
      method: 'copy',
      catalog,
      clock,
      logger,
      gauge: { read: async () => SPACE },
      clockGuard: createClockGuard({
        catalog,
        clock,
        monotonic: () => clocks.monotonic,
        onChange: (reason) => tellOfClock(audit, { logger }, reason),
      }),
      queues: { ...queues, prune, spawn } as unknown as PoolQueues,
      templates: {
        get: async () => ({
          template: 'default',
          fingerprint: FINGERPRINT,
          path: join(this.dir, 'snapshot'),
          version: '1.0.0',
          originCommit: 'unknown',
          templateRef: 'git:unknown',
          allocatedBytes: 4096,
          inodes: 3,
        }),
      } as unknown as ServedContext['templates'],
      audit,
      waker: { count: 0, wake: async () => undefined },
      withDeletionClaim: (work) => work(),
      limits: { ask: unused, release: unused, ended: unused },
      diskDoubt: { reason: () => null, refresh: async () => false },
    };
  }

  /** The worker ends, however its life ended. */
  async stop(): Promise<void> {
    await this.#log?.close();
    this.#ctx = null;
  }

  /** Runs a job of the prune queue. */
  async prune(payload: PrunePayload): Promise<PruneResult> {
    return (await createPruner(this.ctx)({ id: 'job', data: payload } as Job)) as PruneResult;
  }

  /** What the spawn queue would deliver for an instance of a request. */
  spawnJob(request: string, index: number, leaseMs: number | null): SpawnPayload {
    const lease =
      leaseMs === null ? null : { owner: 'runner', tokenHash: hashLeaseToken('runner'), ms: leaseMs };
    return {
      pool: 'main',
      request,
      index,
      id: instanceIdOf('main', request, index),
      fingerprint: FINGERPRINT,
      generation: 0,
      predicted: { bytes: 4096, inodes: 3 },
      expected: { bytes: 4096, inodes: 3 },
      replicaCount: 0,
      template: 'default',
      params: {},
      parent: null,
      experiment: null,
      labels: {},
      notes: '',
      lease,
      ttlMs: null,
    };
  }

  /** Names of the instances that a user sees. */
  async visible(): Promise<Set<string>> {
    const names = await readdir(this.pool.paths.root);
    return new Set(names.filter((name) => name.startsWith('spica-')));
  }

  /** Instance ids in the trash, and whether the deletion of each has begun. */
  async trashed(): Promise<Map<string, boolean>> {
    const names = (await readdir(this.pool.paths.trash)).filter((name) => !name.endsWith('.json'));
    return new Map(names.map((name) => [name.split('.')[0] ?? '', name.endsWith('.deleting')]));
  }

  /** All lines of the audit log. */
  audit(): Promise<Record<string, unknown>[]> {
    return readAudit(this.auditPath);
  }
}
