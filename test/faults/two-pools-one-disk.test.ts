import { statfsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { initPool, openPool } from '@spica/pool';
import { connectProducer, openQueues, type PoolQueues, submitRequest, watchRequests } from '@spica/queues';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Mount, mountTmpfs } from '../support/mount.ts';
import { instancesOnDisk } from '../support/pool.ts';
import { type LocalRedis, startLocal } from '../support/redis.ts';
import { spicaUp, type Up } from '../support/spica.ts';
import { aRequest } from '../support/stack.ts';
import { makeTemplate } from '../support/template.ts';

const POLL = { timeout: 120_000, interval: 100 };
const POOLS = ['one', 'two'] as const;
const DISK_BYTES = 128e6;
const FLOOR_BYTES = 20e6;
const TEMPLATE_BYTES = 2_000_000;
/** At a time, in all. Spica adds a manifest and more to each, for which factors of 1 leave no room. */
const COMING_UP = 8;
const ADDED_BYTES = 32_768;
/** For each pool: together they want more than the disk has. */
const REQUESTS = 30;

let disk: Mount;
let dir: string;
let server: LocalRedis;
let redis: Redis;
let ups: Up[];
beforeEach(async (context) => {
  disk = await mountTmpfs({ bytes: DISK_BYTES });
  if ('skipped' in disk) return context.skip(disk.skipped);
  dir = await mkdtemp(join(tmpdir(), 'spica-two-pools-'));
  server = await startLocal();
  redis = await connectProducer({ url: server.url });
  ups = [];
  await makeTemplate(join(dir, 'template'), { files: 4, bytes: TEMPLATE_BYTES / 4 });
  for (const name of POOLS) await initPool({ name, root: rootOf(name), clock: systemClock });
});
afterEach(async () => {
  if ('skipped' in disk) return;
  for (const up of ups) await up.kill('SIGKILL');
  redis.disconnect();
  await server.stop();
  await rm(dir, { recursive: true });
  await disk.unmount();
});

const mounted = () => ('skipped' in disk ? '' : disk.dir);
const rootOf = (name: string) => join(mounted(), name);

/** Starts `spica up` for some of the pools, with a config and a state directory of its own. */
async function serve(...names: string[]): Promise<void> {
  const own = join(dir, names.join('-'));
  await mkdir(own);
  const poolOf = (name: string) => ({
    root: rootOf(name),
    templates: { default: join(dir, 'template') },
    disk: {
      min_free_space_gb: FLOOR_BYTES / 1e9,
      min_free_inodes_percent: 0,
      ballast_mb: 0,
      prior_factor: 1,
      safety_factor: 1,
    },
    retention: { max_instances: 1_000 },
  });
  const config = {
    server: { port: 0 },
    gate: { poll_every: '1s' },
    concurrency: { gate: COMING_UP / 2, spawn: COMING_UP / 2 },
    pools: Object.fromEntries(names.map((name) => [name, poolOf(name)])),
  };
  await writeFile(join(own, 'spica.yaml'), JSON.stringify(config)); // JSON is YAML, too
  const env = { SPICA_CONFIG: join(own, 'spica.yaml'), SPICA_STATE_DIR: join(own, 'state') };
  ups.push(await spicaUp({ ...env, REDIS_URL: server.url }));
}

// What two processes begin in the same moment neither sees: they may cross the floor, as a rule by less than an instance.
it.each<[string, number, number, () => Promise<unknown>]>([
  ['one process', 2, 0, () => serve(...POOLS)],
  ['two processes that share a Redis', 4, 1, () => Promise.all(POOLS.map((name) => serve(name)))],
])(
  'two pools on one disk, served by %s: together they take all of its room, and no more',
  async (_, most, crossing, start) => {
    if ('skipped' in disk) return;
    await start();
    const queues = POOLS.map((name) => openQueues(name, redis));
    const one = await spawnFirst(queues);
    const leastFree = watchDisk();
    for (let i = 0; i < REQUESTS; i += 1) await Promise.all(queues.map(submit));
    await expect.poll(() => available() - FLOOR_BYTES, POLL).toBeLessThan(most * one);
    await expect.poll(() => inWork(queues), POLL).toBe(0);

    expect(leastFree()).toBeGreaterThanOrEqual(FLOOR_BYTES - crossing * one - COMING_UP * ADDED_BYTES);
    expect(available() - FLOOR_BYTES).toBeLessThan(most * one);
    let inAll = 0;
    for (const [i, name] of POOLS.entries()) {
      const pool = await openPool({ name, root: rootOf(name) });
      const there = async () => (await instancesOnDisk(pool)).length;
      // Polled: one more may have been woken just now, and found room.
      await expect
        .poll(async () => (await queues[i]?.gate.getCompletedCount()) === (await there()), POLL)
        .toBe(true);
      inAll += await there();
      expect(await queues[i]?.gate.getFailedCount()).toBe(0);
    }
    expect(inAll).toBeLessThan(POOLS.length * (1 + REQUESTS)); // the disk was full
  },
);

function submit(queues: PoolQueues, pool: number): Promise<string> {
  // Leased: nothing may go for a later one, so that the disk fills up.
  const lease = { owner: 'tester', tokenHash: '0'.repeat(64), ms: 3_600_000 };
  const request = { ...aRequest(POOLS[pool] ?? ''), lease };
  return submitRequest(queues, request, { key: null, clock: systemClock });
}

/** Has each pool prepare its template and spawn an instance. Returns what the last instance took of the disk, in bytes. */
async function spawnFirst(queues: readonly PoolQueues[]): Promise<number> {
  let taken = 0;
  for (const [i, of] of queues.entries()) {
    const before = available();
    const watcher = await watchRequests(of, redis);
    await watcher.wait(await submit(of, i));
    await watcher.close();
    taken = (before - available()) / 2; // the snapshot, too
  }
  return taken;
}

/** Requests that are neither held nor at their end. */
async function inWork(queues: readonly PoolQueues[]): Promise<number> {
  const counts = await Promise.all(
    queues.map(({ gate }) => gate.getJobCountByTypes('waiting', 'active', 'waiting-children', 'prioritized')),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function available(): number {
  const { bavail, bsize } = statfsSync(mounted());
  return bavail * bsize;
}

/** Looks at the disk every 10 ms. The function that it returns ends that, and returns the least that was free, in bytes. */
function watchDisk(): () => number {
  let least = available();
  const timer = setInterval(() => {
    least = Math.min(least, available());
  }, 10);
  return () => {
    clearInterval(timer);
    return Math.min(least, available());
  };
}
