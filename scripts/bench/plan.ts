import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { type InstanceRecord, planRetention, retentionPolicyOf, systemClock } from '@spica/core';
import { initPool } from '@spica/pool';
import { closeQueues, connectWorker, embeddedSocketOf } from '@spica/queues';
import { createLogger, openPoolContext, type PoolContext, startEmbeddedRedis } from '@spica/workers';
import { execa } from 'execa';
import type { Redis } from 'ioredis';
import { readCandidates } from '../../packages/workers/src/pruner/candidates.ts';
import { planPrune } from '../../packages/workers/src/pruner/plan.ts';
import { stackConfig } from '../../test/support/stack.ts';
import { median, time } from './figures.ts';
import { numberedRecord } from './record.ts';

const INSTANCES = 100_000;
const ROUNDS = 5;
const MINUTE = 60_000;
const logger = createLogger({ level: 'warn', pretty: true });
const NONE = { bytes: 0, inodes: 0, slots: 0 };

/**
 * Planning retention with 100,000 instances in the catalog: reading them, the pure plan, both together (what an operator is shown),
 * and the plans that are carried out at once, with how many instances each reads of Redis and what the process then takes of memory.
 */
export async function run([dir, socket]: readonly string[] = []): Promise<void> {
  if (dir === undefined || socket === undefined) await prepare();
  else await measureIn(dir, socket);
}

/** Fills a catalog, and has another process measure: what filling takes of memory is not to be counted. */
async function prepare(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-bench-plan-'));
  const server = await startEmbeddedRedis({ stateDir: join(dir, 'state'), logger });
  const redis = connectWorker(server.target);
  try {
    await mkdir(join(dir, 'pool'));
    await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
    await fill(redis);
    const socket = embeddedSocketOf(join(dir, 'state'));
    await execa(process.execPath, [...process.argv.slice(1), dir, socket], { stdio: 'inherit' });
  } finally {
    redis.disconnect();
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function measureIn(dir: string, socket: string): Promise<void> {
  const redis = connectWorker({ socket });
  const settings = {
    'pools.main.retention.max_instances': INSTANCES,
    'pools.main.retention.max_age_days': 365,
  };
  const config = stackConfig(dir, { target: { socket }, templates: { default: dir }, settings });
  const ctx = await openPoolContext({ config, pool: 'main', redis, clock: systemClock, logger });
  await measure(ctx, redis);
  await closeQueues(ctx.queues);
  redis.disconnect();
}

async function fill(redis: Redis): Promise<void> {
  const catalog = createCatalog({ redis, pool: 'main' });
  const start = Date.now() - INSTANCES * MINUTE;
  const step = 1_000;
  for (let from = 0; from < INSTANCES; from += step) {
    const batch = Array.from({ length: step }, (_, i) => catalog.adopt(aRecord(from + i, start)));
    await Promise.all(batch);
  }
}

/** One a minute. */
function aRecord(n: number, start: number): InstanceRecord {
  const spawnedAt = start + n * MINUTE;
  const lease = { expiresAt: Date.now() + 60 * MINUTE, since: spawnedAt };
  return numberedRecord(n, { spawnedAt, bytes: 1e9 + n * 4096, lease });
}

async function measure(ctx: PoolContext, redis: Redis): Promise<void> {
  console.log(`\n${INSTANCES} instances in the catalog, median of ${ROUNDS} rounds:`);
  const job = { pool: 'main', cause: 'schedule' } as const;
  const shown = { pool: 'main', cause: 'operator', maxInstances: null, maxAgeMs: null } as const;
  const request = {
    cause: 'request',
    request: 'r',
    from: null,
    need: { bytes: 1e9, inodes: 20_000, slots: 8 },
  } as const;
  await tell('a scheduled plan, reading included', redis, () => planPrune(ctx, job));
  await tell("a request's plan: 8 slots", redis, () =>
    planPrune(ctx, { pool: 'main', ...request, shortfall: NONE }),
  );
  await tell("a request's plan: 8 slots and 20 GB", redis, () =>
    planPrune(ctx, { pool: 'main', ...request, shortfall: { ...NONE, bytes: 20e9 } }),
  );
  tellMemory();
  await tell("an operator's plan, reading included", redis, () => planPrune(ctx, shown));
  tellMemory();
  await tell('reading them all', redis, () => Array.fromAsync(readCandidates(ctx, ctx.catalog)));
  await tell('the pure plan', redis, await purePlan(ctx));
}

function tellMemory(): void {
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(`  memory of the process at most until here: ${(peak / 1e6).toFixed(0)} MB`);
}

async function purePlan(ctx: PoolContext): Promise<() => Promise<unknown>> {
  const instances = await Array.fromAsync(readCandidates(ctx, ctx.catalog));
  const policy = { ...retentionPolicyOf(ctx.policy.retention), maxInstances: INSTANCES - 1_000 };
  const demand = { policy, now: Date.now(), leaseNow: Date.now(), ageRulesSuspended: null, reservedSlots: 0 };
  return async () => planRetention({ instances, ...demand, need: NONE, shortfall: NONE });
}

async function tell(what: string, redis: Redis, work: () => Promise<unknown>): Promise<void> {
  const before = await instancesRead(redis);
  const times: number[] = [];
  const cpuBefore = process.threadCpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) times.push(await time(work));
  const { user, system } = process.threadCpuUsage(cpuBefore);
  const read = ((await instancesRead(redis)) - before) / ROUNDS;
  const figures = [
    `${median(times).toFixed(1).padStart(8)} ms`,
    `${((user + system) / 1_000 / ROUNDS).toFixed(1).padStart(8)} ms of this thread`,
    `${read.toFixed(0).padStart(7)} instances read`,
  ];
  console.log(`  ${what.padEnd(36)} ${figures.join('   ')}`);
}

/** How often an instance's hash was read, whole or some of its fields. */
async function instancesRead(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  return calls('hgetall') + calls('hmget');
}
