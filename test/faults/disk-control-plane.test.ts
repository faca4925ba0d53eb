import { statfsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createCatalog } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { connectProducer, openQueues, type PoolQueues, submitRequest, watchRequests } from '@spica/queues';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readAudit } from '../support/audit.ts';
import { fillTmpfs } from '../support/fill.ts';
import { type Mount, mountTmpfs } from '../support/mount.ts';
import { instancesOnDisk } from '../support/pool.ts';
import { makeSite, type Site } from '../support/site.ts';
import { spica, spicaUp, type Up } from '../support/spica.ts';
import { aRequest } from '../support/stack.ts';

const POLL = { timeout: 120_000, interval: 100 };
const DISK_BYTES = 96e6;
/** More than the hundredth of the disk that it may take. */
const BALLAST_MB = 8;

let disk: Mount;
let site: Site;
let env: Record<string, string>;
let up: Up | null;
let redis: Redis | null;
beforeEach(async (context) => {
  disk = await mountTmpfs({ bytes: DISK_BYTES });
  if ('skipped' in disk) return context.skip(disk.skipped);
  up = null;
  redis = null;
  site = await makeSite({
    root: join(disk.dir, 'pool'),
    template: { files: 4, bytes: 500_000 },
    retention: { max_instances: 8, trash_ttl: '1h' },
    disk: { min_free_space_gb: 0.016, ballast_mb: BALLAST_MB, check_every: '200ms' },
    settings: { gate: { poll_every: '1s' } },
  });
  // Redis with its append-only file, the audit log and the pool: all on the one disk.
  env = { ...site.env, SPICA_STATE_DIR: join(disk.dir, 'state') };
});
afterEach(async () => {
  if ('skipped' in disk) return;
  redis?.disconnect();
  await up?.kill('SIGKILL');
  await site.close();
  await disk.unmount();
});

/** The socket of the embedded Redis. */
const socket = () => join(env['SPICA_STATE_DIR'] ?? '', 'redis.sock');
const ballast = () =>
  stat(site.pool.paths.ballast).then(
    ({ size }) => size,
    () => 0,
  );
/** What it takes on this disk. */
function ballastBytes(): number {
  const { blocks, bsize } = statfsSync(site.pool.paths.root);
  return Math.floor((blocks * bsize) / 100);
}
const foreign = () => join('skipped' in disk ? '' : disk.dir, 'foreign');

it('with Redis and the audit log on the same full disk, all goes on by itself when there is room, and nothing acknowledged is lost', async () => {
  if ('skipped' in disk) return;
  up = await spicaUp(env);
  redis = await connectProducer({ socket: socket() });
  const queues = openQueues('main', redis);
  const watcher = await watchRequests(queues, redis);
  const before = await Promise.all([1, 2, 3].map(() => submit(queues)));
  await Promise.all(before.map((id) => watcher.wait(id)));
  await putOneIntoTrash(queues);
  await expect.poll(ballast, POLL).toBe(ballastBytes());

  fillTmpfs(foreign());
  await expect.poll(ballast, POLL).toBe(0);
  await expect.poll(() => readdir(site.pool.paths.trash), POLL).toEqual([]);
  fillTmpfs(foreign()); // what was given up, too
  const acknowledged = await submitUntilRefused(queues);
  expect(acknowledged.refusal).toMatch(/MISCONF/);

  await rm(foreign());
  const results = await Promise.all(acknowledged.ids.map((id) => watcher.wait(id, { timeoutMs: 90_000 })));
  expect(results.every(({ instances }) => instances.length === 1)).toBe(true);
  await expect.poll(ballast, POLL).toBe(ballastBytes());
  await watcher.close();

  const catalog = createCatalog({ redis, pool: 'main' });
  const listed = (await Array.fromAsync(catalog.list())).map(({ record }) => record.id);
  expect(listed.toSorted()).toEqual(await instancesOnDisk(site.pool));
  expect(listed).toEqual(
    expect.arrayContaining(results.flatMap(({ instances }) => instances.map(({ id }) => id))),
  );
  const reserved = async () => (await catalog.publishedGate())?.sums.reserved;
  await expect.poll(reserved, POLL).toEqual({ bytes: 0, inodes: 0, slots: 0 });
  await expectLevelsLogged();
});

it('starts on a disk that is full to the last byte: the ballast goes first, and what was acknowledged is served', async () => {
  if ('skipped' in disk) return;
  up = await spicaUp(env);
  await expect.poll(ballast, POLL).toBe(ballastBytes());
  redis = await connectProducer({ socket: socket() });
  await openQueues('main', redis).spawn.pause();
  const id = await submit(openQueues('main', redis));
  redis.disconnect();
  await up.kill('SIGKILL');
  fillTmpfs(foreign());

  up = await spicaUp(env);
  expect(await ballast()).toBe(0);
  await rm(foreign());
  redis = await connectProducer({ socket: socket() });
  const queues = openQueues('main', redis);
  await queues.spawn.resume();
  const watcher = await watchRequests(queues, redis);
  expect((await watcher.wait(id, { timeoutMs: 90_000 })).instances).toHaveLength(1);
  await watcher.close();
});

function submit(queues: PoolQueues): Promise<string> {
  return submitRequest(queues, aRequest('main'), { key: null, clock: systemClock });
}

async function putOneIntoTrash(queues: PoolQueues): Promise<void> {
  await queues.prune.add('prune', { pool: 'main', cause: 'operator', maxInstances: 2, maxAgeMs: null });
  await expect.poll(() => instancesOnDisk(site.pool), POLL).toHaveLength(2);
}

/** Submits until Redis takes nothing any more, while the disk is kept full. */
async function submitUntilRefused(queues: PoolQueues): Promise<{ ids: string[]; refusal: string }> {
  const ids: string[] = [];
  for (;;) {
    try {
      if (ids.length < 4) ids.push(await submit(queues));
      else await redis?.set('{spica:main}:test', ids.length);
    } catch (error) {
      return { ids, refusal: String(error) };
    }
    fillTmpfs(foreign());
    await setTimeout(50);
  }
}

async function expectLevelsLogged(): Promise<void> {
  const levels = async () => {
    const lines = await readAudit(join(env['SPICA_STATE_DIR'] ?? '', 'audit.jsonl'));
    return lines.filter(({ action }) => action === 'pressure');
  };
  await expect.poll(async () => (await levels()).at(-1)?.outcome, POLL).toMatch(/→ (ok|low)$/);
  const outcomes = (await levels()).map(({ outcome }) => outcome);
  expect(outcomes.some((outcome) => outcome.endsWith('→ critical'))).toBe(true);
  expect(outcomes.some((outcome) => outcome.startsWith('critical →'))).toBe(true);
  const verified = await spica(['audit', 'verify'], env);
  expect([verified.exitCode, verified.stderr]).toEqual([0, '']);
}
