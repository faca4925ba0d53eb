import { randomUUID } from 'node:crypto';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { FilesystemTotals, instanceIdOf, type Size } from '@spica/core';
import { type AuditLog, initPool, openAudit, type Pool } from '@spica/pool';
import type { PoolQueues, PrunePayload, PruneResult } from '@spica/queues';
import type { PoolContext, ServedContext } from '@spica/workers';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { announceClock } from '../../packages/workers/src/clock/announce.ts';
import { createClockGuard } from '../../packages/workers/src/clock/guard.ts';
import type { Line } from '../../packages/workers/src/gate/line.ts';
import { loadGate } from '../../packages/workers/src/gate/load.ts';
import { createProfiles } from '../../packages/workers/src/gate/profiles.ts';
import { createPruner } from '../../packages/workers/src/pruner/processor.ts';
import { readAudit } from '../support/audit.ts';
import { administer } from '../support/image.ts';
import { servedContext } from '../support/served-context.ts';
import { stackConfig } from '../support/stack.ts';
import { Clocks } from './clocks.ts';
import { FINGERPRINT, type GateJobs, openJobs } from './jobs.ts';
import { reconcileWorld } from './reconcile.ts';
import type { Dump } from './rollback.ts';

/** There is always room: to look would take a process each time. */
const SPACE = { availableBytes: 1e12, totalBytes: 2e12, freeInodes: null, totalInodes: null };
const logger = pino({ level: 'silent' });

interface OpenRequest {
  readonly id: string;
  readonly ids: readonly string[];
  readonly leaseMs: number | null;
  readonly isCollected: boolean;
  readonly each: Size;
}

export interface WorldOptions {
  /** A connection that nobody else uses, to a database that nobody else uses. */
  readonly redis: Redis;
  /** An empty directory. */
  readonly dir: string;
  /** Where that is on a btrfs with simple quotas: what each instance is capped at. Null elsewhere, where clones are copies. */
  readonly capBytes: number | null;
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
  /** The gate's own jobs, by request: they are in Redis, and lost with it. */
  jobs: GateJobs = new Map();
  /** What Redis held before each operation so far; kept only for those who step back. */
  dumps: Dump[] = [];
  /** By instance, the request that asked for it, whatever became of them. */
  readonly askedFor = new Map<string, string>();
  /** How many requests there were so far. */
  requests = 0;
  /** The latest time by which this worker has judged what ends. */
  judgedBefore = 0;
  readonly dir: string;
  readonly redis: Redis;
  readonly capBytes: number | null;
  readonly #config: ReturnType<typeof stackConfig>;
  #pool: Pool | null = null;
  #log: AuditLog | null = null;
  #ctx: ServedContext | null = null;

  private constructor({ redis, dir, capBytes, redisOnHost, settings }: WorldOptions) {
    this.dir = dir;
    this.capBytes = capBytes;
    this.redis = redis;
    this.clocks = new Clocks({ redisOnHost });
    this.#config = stackConfig(dir, {
      target: { socket: '' },
      templates: { default: dir },
      settings: { ...settings, 'pools.main.disk.max_instance_gb': capBytes === null ? null : capBytes / 1e9 },
    });
  }

  static async open(options: WorldOptions): Promise<World> {
    const world = new World(options);
    const { dir } = world;
    options.redis.time = async () => world.clocks.redisTime() as unknown as [number, number];
    await Promise.all(['state', 'outside'].map((name) => mkdir(join(dir, name))));
    if (options.capBytes === null) await mkdir(join(dir, 'snapshot'));
    else await administer('btrfs', 'subvolume', 'create', join(dir, 'snapshot'));
    await writeFile(join(dir, 'snapshot', 'VERSION'), '1.0.0\n');
    await symlink('../../outside', join(dir, 'snapshot', 'outside'));
    await writeFile(join(dir, 'outside', 'canary'), 'alive');
    world.#pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: world.clock });
    await mkdir(join(dir, 'pool', 'unknown'));
    await world.start();
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

  /** A new worker takes over, as `spica up` does: it knows nothing but what is on the disk and in Redis. */
  async start(): Promise<void> {
    this.#log = await openAudit({
      path: null,
      stateDir: join(this.dir, 'state'),
      clock: this.clock,
      logger,
    });
    this.#ctx = this.#serve(this.#log);
    this.judgedBefore = 0;
    await this.#ctx.clockGuard.suspended();
    await reconcileWorld(this, true);
    await loadGate(this.#ctx);
  }

  #serve(log: AuditLog): ServedContext {
    const { clock, clocks } = this;
    const policy = this.#config.pools.main;
    if (!policy) throw new Error('no pool "main" in the config');
    const audit = log.forPool('main');
    // A process of its own: it finds nothing in memory of the one before, which may have been killed at any moment.
    const catalog = { ...createCatalog({ redis: this.redis, pool: 'main' }), place: randomUUID() };
    const onError = (error: unknown) => {
      throw error;
    };
    const filesystem = {
      id: 'disk',
      totals: new FilesystemTotals(),
      waiting: new Set<() => void>(),
      lines: new Set<Line>(),
      sharedBy: null,
      elsewhereChangedAt: null,
    };
    const clockGuard = createClockGuard({
      catalog,
      clock,
      monotonic: () => clocks.monotonic,
      onChange: (reason) => announceClock(audit, { logger }, reason),
    });
    const context: Omit<PoolContext, 'gateView'> = {
      config: this.#config,
      policy,
      pool: this.pool,
      method: this.capBytes === null ? 'copy' : 'snapshot',
      image: null,
      isCharged: this.capBytes !== null,
      catalog,
      profiles: createProfiles(catalog),
      clock,
      logger,
      gauge: { read: async () => SPACE },
      diskDoubt: { reason: () => null, refresh: async () => false },
      diskWrites: { problem: () => null, check: async () => null },
      quota: { meet: () => undefined, metAt: () => null },
      clockGuard,
      queues: this.#queues(),
      templates: this.#templates(),
    };
    return servedContext(context, { audit, filesystem, withDeletionClaim: (work) => work(), onError });
  }

  /** As far as the parts that are tried ask them. */
  #queues(): PoolQueues {
    const gate = {
      getJobState: async (id: string) => this.jobs.get(id)?.state ?? 'unknown',
      getJobs: async (_states: string[], start: number, end: number) =>
        openJobs(this.jobs).slice(start, end + 1),
    };
    const prune = { getWaitingCount: async () => 0, add: async () => undefined };
    const spawn = { getActiveCount: async () => 0 };
    return { gate, prune, spawn } as unknown as PoolQueues;
  }

  #templates(): ServedContext['templates'] {
    const prepared = {
      template: 'default',
      fingerprint: FINGERPRINT,
      path: join(this.dir, 'snapshot'),
      version: '1.0.0',
      originCommit: 'unknown',
      templateRef: 'git:unknown',
      allocatedBytes: 4096,
      inodes: 3,
    };
    return { get: async () => prepared } as unknown as ServedContext['templates'];
  }

  /** The worker ends, however its life ended. */
  async stop(): Promise<void> {
    await this.#log?.close();
    this.#ctx = null;
  }

  /** Redis loses everything. */
  async flush(): Promise<void> {
    await this.redis.flushdb();
    this.jobs.clear();
  }

  /** Runs a job of the prune queue. */
  async prune(payload: PrunePayload): Promise<PruneResult> {
    return (await createPruner(this.ctx)({ id: 'job', data: payload } as Job)) as PruneResult;
  }

  /** The requests that were admitted and have not ended, with what was reserved for each of their instances. */
  openRequests(): OpenRequest[] {
    return openJobs(this.jobs).flatMap(({ id, isCollected, data: { request, admitted } }) => {
      const ids = Array.from({ length: request.count }, (_, index) => instanceIdOf('main', id, index));
      const leaseMs = request.lease?.ms ?? null;
      return admitted ? [{ id, ids, leaseMs, isCollected, each: admitted.each }] : [];
    });
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
