import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Space } from '@spica/core';
import { trashInstance } from '@spica/pool';
import type { PrunePayload } from '@spica/queues';
import { execa } from 'execa';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { createBallast } from '../../src/pressure/ballast.ts';
import { type Monitor, startMonitor } from '../../src/pressure/monitor.ts';
import { catalogInventory } from '../../src/pruner/inventory.ts';
import { isSpaceReturning, isVerifying } from '../../src/pruner/space-returning.ts';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/runtime/embedded-redis.ts';

/** A machine whose cores are all busy takes its time. */
const POLL = { timeout: 120_000 };
/** Floor 100 MB: low below 150, short below 100, critical below 50. */
const FREE = { ok: 400e6, low: 120e6, short: 80e6, critical: 20e6 };
const BALLAST_MB = 1;
/** Floor 100: low below 150, short below 100. */
const TOTAL_INODES = 1_000;

let dir: string;
let server: EmbeddedRedis;
let stack: Stack;
let free: number;
/** Whether the disk still shows nothing of what was deleted; null where `free` says it all. */
let isHidden: (() => boolean) | null;
let freeInodes: number | null;
let looks: number;
let cancelled: string[];
let monitor: Monitor | null;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-monitor-'));
  server = await startEmbeddedRedis({ stateDir: dir, logger: pino({ level: 'silent' }) });
  const template = await makeTemplate(join(dir, 'template'));
  stack = await startStack({
    target: server.target,
    templates: { default: template },
    settings: {
      'pools.main.disk.check_every': '1h', // its own watch looks once, at the start, and leaves the rest to the tests
      'pools.main.disk.min_free_space_gb': 0.1,
      'pools.main.disk.ballast_mb': BALLAST_MB,
      'pools.main.retention.max_instances': 2,
      'pools.main.retention.trash_ttl': '1h',
    },
  });
});
beforeEach(async () => {
  free = FREE.ok;
  isHidden = null;
  freeInodes = null;
  looks = 0;
  cancelled = [];
  monitor = null;
  await stack.ctx.catalog.savePressure({ level: 'ok', since: 0, at: 0, reason: null });
});
afterEach(async () => {
  await monitor?.close();
  vi.restoreAllMocks();
});
afterAll(async () => {
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

async function watch(reclaim: 'policy' | 'aggressive' = 'policy'): Promise<void> {
  const { ctx } = stack;
  const figures = (): Space => {
    const totalInodes = freeInodes === null ? null : TOTAL_INODES;
    const availableBytes = isHidden?.() === false ? FREE.ok : free;
    return { availableBytes, totalBytes: 1e9, freeInodes, totalInodes };
  };
  const space = async () => {
    looks += 1;
    return figures();
  };
  // Who makes room looks at the disk once more.
  if (reclaim === 'aggressive') vi.spyOn(ctx.gauge, 'read').mockImplementation(async () => figures());
  const disk = { ...ctx.policy.disk, checkEveryMs: 100, reclaim, minFreeInodesPercent: 10 };
  const pretended = { ...ctx, gauge: { read: space }, policy: { ...ctx.policy, disk } };
  const ballast = createBallast(ctx.pool, BALLAST_MB * 1e6);
  monitor = await startMonitor(pretended, { ballast, cancelSpawns: (reason) => cancelled.push(reason) });
}

async function hasBallast(): Promise<boolean> {
  const found = await stat(stack.ctx.pool.paths.ballast).catch(() => null);
  return found?.size === BALLAST_MB * 1e6;
}

const inTrash = async () => (await readdir(stack.ctx.pool.paths.trash)).length;
const isPaused = () => stack.queues.spawn.isPaused();

/** What the audit log says of levels since the test began to look. */
async function levelsLogged(): Promise<() => Promise<string[]>> {
  const read = async () =>
    (await readAudit(stack.ctx.audit.path)).filter(({ action }) => action === 'pressure');
  const before = (await read()).length;
  return async () => (await read()).slice(before).map(({ outcome }) => outcome);
}

async function putIntoTrash(): Promise<void> {
  const { instances } = await stack.spawn();
  const id = instances[0]?.id ?? '';
  const { record } = (await stack.ctx.catalog.get(id)) ?? {};
  const inventory = catalogInventory(stack.ctx);
  await inventory.begin(id, { owner: 'test', undoOf: null });
  const note = { reason: 'test', request: null, bytes: 1, record: record ?? null, failure: null };
  await trashInstance(stack.ctx.pool, id, { at: Date.now(), note });
  await inventory.end(id, 'gone', 'test');
}

it('asks for a prune of what the policy allows when the disk runs low, and stops nothing', async () => {
  const logged = await levelsLogged();
  const asked = Promise.withResolvers<PrunePayload>();
  stack.ctx.queues.prune.on('waiting', ({ data, opts }) => {
    if (opts.deduplication?.id === 'pressure') asked.resolve(data);
  });
  free = FREE.low;
  await watch();
  expect(await asked.promise).toEqual({ pool: 'main', cause: 'schedule' });
  await expect.poll(logged, POLL).toEqual(['ok → low']);
  expect([await isPaused(), cancelled]).toEqual([false, []]);
});

it('gives everything up at a critical level, and brings everything back when it is over', async () => {
  const logged = await levelsLogged();
  await putIntoTrash();
  await watch();
  await expect.poll(hasBallast, POLL).toBe(true);
  free = FREE.critical;
  await expect.poll(isPaused, POLL).toBe(true);
  await expect.poll(logged, POLL).toEqual(['ok → critical']);
  expect([await hasBallast(), await inTrash()]).toEqual([false, 0]);
  expect(new Set(cancelled)).toEqual(new Set(['the disk is critically full']));
  expect((await stack.ctx.catalog.pressure())?.level).toBe('critical');

  free = FREE.short;
  await expect.poll(isPaused, POLL).toBe(false);
  free = FREE.ok;
  await expect.poll(hasBallast, POLL).toBe(true);
  await expect.poll(logged, POLL).toEqual(['ok → critical', 'critical → short', 'short → ok']);
  expect((await stack.spawn()).instances).toHaveLength(1);
});

it('resumes spawns at the next start after a crash at a critical level, but not what an operator paused', async () => {
  await stack.queues.spawn.pause();
  await watch();
  expect(await isPaused()).toBe(true);
  await monitor?.close();

  await stack.ctx.catalog.savePressure({ level: 'critical', since: 0, at: 0, reason: null });
  await watch();
  expect(await isPaused()).toBe(false);
});

it('never lets spawns begin at a start when the disk is still critically full', async () => {
  await stack.queues.spawn.pause();
  await stack.ctx.catalog.savePressure({ level: 'critical', since: 0, at: 0, reason: null });
  const resumed: string[] = [];
  stack.ctx.queues.spawn.on('resumed', () => resumed.push('resumed'));
  free = FREE.critical;
  await watch();
  expect([await isPaused(), resumed]).toEqual([true, []]);
  free = FREE.ok;
  await expect.poll(isPaused, POLL).toBe(false);
});

it('resumes spawns though Redis takes no writes at the moment when the level is left', async () => {
  free = FREE.critical;
  await watch();
  expect(await isPaused()).toBe(true);
  // No replica is there: every write is refused, as by a Redis whose disk is full.
  await stack.redis.config('SET', 'min-replicas-to-write', 1);
  const logged = await levelsLogged();
  free = FREE.ok;
  await expect.poll(logged, POLL).toEqual(['critical → ok']);
  expect(await isPaused()).toBe(true);
  expect((await stack.ctx.catalog.pressure())?.level).toBe('critical'); // so that a start would know
  await stack.redis.config('SET', 'min-replicas-to-write', 0);
  await expect.poll(isPaused, POLL).toBe(false);
});

it('gives up ballast and trash while Redis hangs, and all goes on when it answers again', async () => {
  await putIntoTrash();
  await watch();
  await expect.poll(hasBallast, POLL).toBe(true);
  process.kill(server.pid, 'SIGSTOP');
  try {
    free = FREE.critical;
    await expect.poll(hasBallast, POLL).toBe(false);
    await expect.poll(inTrash, POLL).toBe(0);
    free = FREE.ok;
    await expect.poll(hasBallast, POLL).toBe(true);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await expect.poll(isPaused, POLL).toBe(false);
  expect((await stack.spawn()).instances).toHaveLength(1);
});

it('deletes no instance that the policy would keep, whoever fills the disk, unless reclaim is aggressive', async () => {
  const { instances } = await stack.spawn({ count: 2 });
  await grow(instances, '36M');
  const ids = instances.map(({ id }) => id);
  const left = () => instancesOnDisk(stack.ctx.pool);
  free = FREE.critical;
  await watch();
  await untilPrunesEnded();
  expect(await left()).toEqual(ids.toSorted());
  await monitor?.close();

  free = FREE.short; // 70 MB below where it is no longer low
  await watch('aggressive');
  await expect.poll(left, POLL).toEqual([]);
});

it('asks for no more room while the space of what it deleted may still come back', async () => {
  await emptyPool();
  const { ctx } = stack;
  const { instances } = await stack.spawn({ count: 2 });
  await grow(instances, '72M'); // one of them is enough
  // What deletions in the tests before brought back is there, judged, and forgotten.
  await expect.poll(() => isVerifying(ctx.pool) || isSpaceReturning(ctx.pool), POLL).toBe(false);
  ctx.gate.share = 1;
  const left = () => instancesOnDisk(stack.ctx.pool);
  free = FREE.short;
  let wasReturning = false;
  isHidden = () => {
    const isReturning = isSpaceReturning(ctx.pool);
    wasReturning ||= isReturning;
    return isReturning || !wasReturning;
  };
  await watch('aggressive');
  await expect.poll(left, POLL).toHaveLength(1);
  await untilPrunesEnded();
  const readingsThen = looks;
  await expect.poll(() => looks, POLL).toBeGreaterThan(readingsThen + 3);
  await untilPrunesEnded();
  expect(await left()).toHaveLength(1);
});

it('asks for the inodes that are missing where only these are, with reclaim: aggressive', async () => {
  const asked = Promise.withResolvers<PrunePayload>();
  stack.ctx.queues.prune.on('waiting', ({ data, opts }) => {
    if (opts.deduplication?.id === 'room') asked.resolve(data);
  });
  freeInodes = 60;
  await watch('aggressive');
  const shortfall = { bytes: 0, inodes: 90, slots: 0 };
  expect(await asked.promise).toEqual({ pool: 'main', cause: 'pressure', shortfall });
  await untilPrunesEnded();
});

async function grow(instances: readonly { id: string; path: string }[], size: string): Promise<void> {
  for (const { path } of instances) await execa('fallocate', ['-l', size, '--', join(path, 'result.bin')]);
  const ids = instances.map(({ id }) => id);
  const measured = await stack.queues.sample.add('sample', { pool: 'main', ids });
  await expect.poll(() => measured.getState(), POLL).toBe('completed');
}

async function emptyPool(): Promise<void> {
  const limits = { maxInstances: 0, maxAgeMs: null };
  const job = await stack.queues.prune.add('prune', { pool: 'main', cause: 'operator', ...limits });
  await expect.poll(() => job.getState(), POLL).toBe('completed');
}

async function untilPrunesEnded(): Promise<void> {
  await expect.poll(() => stack.queues.prune.getJobCountByTypes('wait', 'active'), POLL).toBe(0);
}

it('tells of a level once, whoever watches when it is entered and left', async () => {
  const told: string[] = [];
  const end = stack.events.on((event) => {
    if (event.kind === 'pressure') told.push(`${event.before} → ${event.level}`);
  });
  free = FREE.short;
  await watch();
  await monitor?.close();
  await watch(); // the next process finds the disk as it was
  expect(told).toEqual(['ok → short']);
  await monitor?.close();
  free = FREE.ok;
  await watch(); // and this one finds that it is over
  expect(told).toEqual(['ok → short', 'short → ok']);
  end();
});
