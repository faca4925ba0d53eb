import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, statfs, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { listTrash, lockDeletion, readRecord, verifyAudit } from '@spica/pool';
import { beforeEach, expect, it } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { mountTmpfs } from '../../../../test/support/mount.ts';
import { runCaptured } from '../capture.ts';
import { forget, makeOfflinePool, type OfflinePool } from '../offline-pool.ts';
import { startQueues, type TestQueues } from '../redis.ts';

const HOUR_MS = 3_600_000;
const ids = ['spica-0001', 'spica-0002', 'spica-0003', 'spica-0004', 'spica-0005', 'spica-0006'] as const;

let dir: string;
let offline: OfflinePool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-offline-'));
  offline = await makeOfflinePool(dir);
  return () => rm(dir, { recursive: true });
});

const prune = (...argv: string[]) => runCaptured(['prune', '--offline', ...argv], offline.io());
const here = () => ids.filter((id) => existsSync(offline.pool.pathOf(id)));

const audit = () => readAudit(join(offline.stateDir, 'audit.jsonl'));

it('keeps what is leased, pinned, locked, used by a process, or may be in flight, and says why', async () => {
  const now = systemClock.now();
  const [leased, pinned, locked, used, fresh, free] = ids;
  await offline.add(free, 30);
  const lease = { owner: 'alice', tokenHash: 'h', expiresAt: now + HOUR_MS, since: now };
  await offline.add(leased, 40, { lease });
  await offline.add(pinned, 39, { pin: { by: 'bob', why: 'the best', at: now - HOUR_MS } });
  await offline.add(locked, 38);
  await writeFile(join(offline.pool.pathOf(locked), '.tournament_lock'), `{"started_at": ${now / 1000}}`);
  await offline.add(used, 37);
  await offline.add(fresh, 0.5, { request: 'req-9' });
  const sleeper = spawn('sleep', ['300'], { cwd: offline.pool.pathOf(used), stdio: 'ignore' });
  await once(sleeper, 'spawn');
  try {
    const { exitCode, stdout } = await prune('--max-instances', '0', '--json');
    const { pruned, kept } = JSON.parse(stdout);
    expect([exitCode, pruned.map(({ id }: { id: string }) => id), kept]).toEqual([0, [free], 5]);
    const dry = JSON.parse((await prune('--dry-run', '--max-instances', '0', '--json')).stdout);
    const reasons = Object.fromEntries(
      dry.items.map((item: { id: string; reason: string }) => [item.id, item.reason]),
    );
    expect(reasons).toEqual({
      [leased]: `leased by alice until ${new Date(lease.expiresAt).toISOString()}`,
      [pinned]: 'pinned by bob: the best',
      [locked]: expect.stringContaining('its .tournament_lock protects it until'),
      [used]: `process ${sleeper.pid} (sleep) works in it`,
      [fresh]: 'request req-9, as far as the disk can say, has not ended yet',
    });
  } finally {
    sleeper.kill();
  }
});

it('keeps what a lock file from the future locks for an hour from when it was put there, and doubts it', async () => {
  for (const [age, id] of ids.slice(0, 2).entries()) await offline.add(id, 48 - age);
  const lock = join(offline.pool.pathOf(ids[0]), '.tournament_lock');
  await writeFile(lock, '');
  const future = Date.UTC(2031, 0, 1) / 1000;
  await utimes(lock, future, future);
  const { stdout } = await prune('--dry-run', '--max-instances', '0', '--json');
  const { reason } = JSON.parse(stdout).items.find(({ action }: { action: string }) => action === 'keep');
  const [, until = '', doubt] = /^its .tournament_lock protects it until (\S+) \((.*)\)$/.exec(reason) ?? [];
  expect(Date.parse(until) - Date.now()).toBeLessThanOrEqual(HOUR_MS);
  expect(doubt).toBe('its mtime, 2031-01-01T00:00:00.000Z, lies in the future');
});

it('puts away by policy with intent and outcome in the audit log, so that it can be brought back', async () => {
  for (const [age, id] of ids.entries()) await offline.add(id, 48 - age);
  const { exitCode, stdout } = await prune();
  expect(exitCode).toBe(0);
  expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([...ids.slice(0, 4), '']);
  expect(here()).toEqual(ids.slice(4));
  const trash = await listTrash(offline.pool);
  expect(trash.map(({ id, note }) => [id, note?.record?.id])).toEqual(ids.slice(0, 4).map((id) => [id, id]));
  expect(await readRecord(offline.pool, ids[0])).toBeNull();
  const entries = await audit();
  for (const id of ids.slice(0, 4)) {
    const outcomes = entries.filter(({ instance }) => instance === id).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['intent', 'trashed']);
  }
  expect(await verifyAudit(join(offline.stateDir, 'audit.jsonl'))).toMatchObject({ problems: [] });
  expect(await readdir(offline.pool.paths.own)).not.toContain('deleting.json');
});

it('touches nothing in a dry run, not even the audit log', async () => {
  for (const [age, id] of ids.entries()) await offline.add(id, 48 - age);
  const before = await readdir(dir, { recursive: true });
  const { exitCode, stdout, stderr } = await prune('--dry-run');
  expect(exitCode).toBe(0);
  expect(stdout.match(/^delete\t/gm)).toHaveLength(4);
  expect(stdout.match(/^keep\t/gm)).toHaveLength(2);
  expect(stderr).not.toContain('--plan');
  expect((await readdir(dir, { recursive: true })).sort()).toEqual(before.sort());
});

it('leaves alone what Spica has no record of, or whose record cannot be read', async () => {
  for (const [age, id] of ids.entries()) await offline.add(id, 480 - age);
  await forget(offline, ids[0]);
  await writeFile(join(offline.pool.paths.records, `${ids[1]}.json`), '{ torn');
  const { stderr } = await prune('--max-instances', '0');
  expect(here()).toEqual([ids[0], ids[1]]);
  expect(stderr).toContain(`left alone: "${ids[0]}": Spica has no record of it`);
  expect(stderr).toMatch(
    new RegExp(`left alone: "${ids[1]}": .*${ids[1]}.json is not a record: expected JSON`),
  );
});

it('puts away what has lost its manifest as any other, and keeps it where it is pinned: its record is whole', async () => {
  await offline.add(ids[0], 20);
  await offline.add(ids[1], 10, { pin: { by: 'ada', why: 'baseline', at: 0 } });
  for (const id of [ids[0], ids[1]]) await rm(join(offline.pool.pathOf(id), 'manifest.json'));
  const { stderr } = await prune('--max-instances', '0');
  expect(here()).toEqual([ids[1]]);
  expect(stderr).not.toContain('left alone');
});

it('does not trust a clock that ran away from all that Spica wrote, until an operator vouches for it', async () => {
  const then = systemClock.now() - 96 * HOUR_MS;
  const lease = { owner: 'alice', tokenHash: 'h', expiresAt: then + HOUR_MS, since: then };
  const sample = { at: then, changedAt: then, allocatedBytes: 1, apparentBytes: 1, ownBytes: 1, inodes: 1 };
  await offline.add(ids[0], 100, { sample });
  await offline.add(ids[1], 99, { sample, lease });
  const distrusted = await prune('--max-instances', '1');
  expect(distrusted.stdout).toMatch(new RegExp(`^${ids[0]}\t`)); // by count, not by age
  expect(here()).toEqual([ids[1]]);
  const held = await prune('--dry-run', '--max-instances', '0');
  expect(held.stdout).toMatch(/keep\tspica-0002\t1\tleased\tleased by alice/);
  expect(held.stderr).toMatch(/age and ttl rules are suspended: the host's clock is 4d\S* later than/);
  await prune('--confirm-clock');
  expect(here()).toEqual([]);
});

it('refuses as long as Redis can be used', async () => {
  const queues = await startQueues();
  try {
    const io = offline.io({ env: { SPICA_STATE_DIR: queues.stateDir } });
    const { exitCode, stdout, stderr } = await runCaptured(['prune', '--offline'], io);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toBe('error: --offline: Redis can be used: prune without --offline\n');
  } finally {
    await queues.close();
  }
});

/** How a Redis comes to refuse writes while it can be read. */
const NO_WRITES: Readonly<Record<string, (queues: TestQueues) => Promise<unknown>>> = {
  'cannot save what it has': refuseAsUnsaved,
  'has no memory left': ({ redis }) => redis.config('SET', 'maxmemory', '1mb'),
  'is a replica': ({ redis }) => redis.replicaof('127.0.0.1', 1),
  'has too few replicas': ({ redis }) => redis.config('SET', 'min-replicas-to-write', '1'),
  'is paused': ({ redis }) => redis.call('CLIENT', 'PAUSE', '60000', 'WRITE'),
};

it.each(Object.keys(NO_WRITES))(
  'asks a Redis that %s for its leases, which the disk may not know of',
  async (how) => {
    const queues = await startQueues();
    try {
      const { redis, stateDir } = queues;
      const catalog = createCatalog({ redis, pool: 'main' });
      for (const [age, id] of ids.entries()) await catalog.adopt(await offline.add(id, 48 - age));
      const lease = {
        owner: 'late',
        token: 't',
        expiresAt: systemClock.now() + HOUR_MS,
        now: systemClock.now(),
      };
      await catalog.lease(ids[0], lease);
      const keys = await redis.dbsize();
      await NO_WRITES[how]?.(queues);
      const io = offline.io({ env: { SPICA_STATE_DIR: stateDir } });
      const { exitCode } = await runCaptured(['prune', '--offline', '--max-instances', '0'], io);
      expect([exitCode, await redis.dbsize()]).toEqual([0, keys]);
      expect(here()).toEqual([ids[0]]);
    } finally {
      await queues.close();
    }
  },
);

it('prunes by the records where a replica that has lost its master says nothing at all', async () => {
  const queues = await startQueues();
  try {
    await queues.redis.config('SET', 'replica-serve-stale-data', 'no');
    await queues.redis.replicaof('127.0.0.1', 1);
    await offline.add(ids[0], 100);
    const io = offline.io({ env: { SPICA_STATE_DIR: queues.stateDir } });
    expect((await runCaptured(['prune', '--offline', '--max-instances', '0'], io)).exitCode).toBe(0);
    expect(here()).toEqual([]);
  } finally {
    await queues.close();
  }
});

/** As on a full disk: the snapshot cannot be put in its place, and Redis stops taking writes. */
async function refuseAsUnsaved({ redis, stateDir }: TestQueues): Promise<void> {
  await mkdir(join(stateDir, 'redis', 'dump.rdb', 'in-its-way'), { recursive: true });
  await redis.config('SET', 'save', '3600 1');
  await redis.bgsave();
  await expect.poll(() => redis.ping().catch((error: Error) => error.message)).toContain('MISCONF');
}

it('does not delete while a worker does', async () => {
  await offline.add(ids[0], 100);
  const claim = await lockDeletion(offline.pool, { clock: systemClock, purpose: 'spica up' });
  const { exitCode, stderr } = await prune('--max-instances', '0');
  expect([exitCode, here()]).toEqual([1, [ids[0]]]);
  expect(stderr).toMatch(/^error: pool main: process \d+ \(spica up\) since \S+ is deleting in it\n$/);
  await claim.release();
});

it('works on a full disk: gives up the ballast first, then empties the trash until the floor is free', async (context) => {
  const mounted = await mountTmpfs({ bytes: 16_000_000 });
  if ('skipped' in mounted) return context.skip(mounted.skipped);
  try {
    offline = await makeOfflinePool(mounted.dir, { disk: { min_free_space_gb: 0.006 } });
    await writeFile(offline.pool.paths.ballast, Buffer.alloc(1_000_000));
    for (const [age, id] of ids.entries()) await offline.add(id, 40 - age);
    const { bavail, bsize } = await statfs(mounted.dir);
    await writeFile(join(mounted.dir, 'others'), Buffer.alloc(bavail * bsize));
    expect((await statfs(mounted.dir)).bavail).toBe(0);
    const { exitCode, stderr } = await prune();
    // Whether all processes can be looked into is up to the machine.
    expect([exitCode, stderr.replace(/^not seen: .*\n/, '')]).toEqual([0, '']);
    expect(here()).toEqual(ids.slice(4));
    expect(existsSync(offline.pool.paths.ballast)).toBe(false);
    expect((await statfs(mounted.dir)).bavail * bsize).toBeGreaterThan(4_500_000);
  } finally {
    await mounted.unmount();
  }
});

it('says what to do when there is not even room to tell of it', async (context) => {
  const mounted = await mountTmpfs({ bytes: 8_000_000 });
  if ('skipped' in mounted) return context.skip(mounted.skipped);
  try {
    offline = await makeOfflinePool(mounted.dir);
    await offline.add(ids[0], 100);
    const { bavail, bsize } = await statfs(mounted.dir);
    await writeFile(join(mounted.dir, 'others'), Buffer.alloc(bavail * bsize));
    const { exitCode, stderr } = await prune('--max-instances', '0');
    expect([exitCode, here()]).toEqual([1, [ids[0]]]);
    expect(stderr).toContain(
      'the disk is so full that not even the audit log can be written: free some by hand first',
    );
  } finally {
    await mounted.unmount();
  }
});
