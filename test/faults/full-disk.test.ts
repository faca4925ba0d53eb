import { watch, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Mounted, mountTmpfs } from '../support/mount.ts';
import { instancesOnDisk, whatLacks } from '../support/pool.ts';
import { type LocalRedis, startLocal } from '../support/redis.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { makeTemplate } from '../support/template.ts';

let dir: string;
let redis: LocalRedis;
let mounted: Mounted | undefined;
let stack: Stack | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-full-'));
  redis = await startLocal();
});
afterEach(async () => {
  await stack?.close();
  await mounted?.unmount();
  stack = undefined;
  mounted = undefined;
});
afterAll(async () => {
  await redis.stop();
  await rm(dir, { recursive: true });
});

/** Fills the rest of a disk, as somebody else would who knows nothing of Spica. */
function fillUp(file: string): void {
  const chunk = Buffer.alloc(256 * 1024, 'f');
  try {
    for (;;) writeFileSync(file, chunk, { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

it('a disk that somebody fills in the middle of a clone: that request fails in plain words, and leaves nothing', async (context) => {
  const mount = await mountTmpfs({ bytes: 64e6 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  mounted = mount;
  // Many files: the clone takes a while.
  const template = await makeTemplate(join(dir, 'large'), { files: 4_000, bytes: 4_000 });
  const root = join(mount.dir, 'pool');
  const served = await serve({ pool: 'full', root, template });
  const { instances } = await served.spawn();
  const foreign = join(mount.dir, 'foreign');

  const filled = Promise.withResolvers<void>();
  const watcher = watch(served.ctx.pool.paths.staging, () => {
    watcher.close();
    fillUp(foreign);
    filled.resolve();
  });
  const failing = served.submit({ maxWaitMs: 2_000 });
  await filled.promise;
  await expect(served.watcher.wait(await failing)).rejects.toThrow(/the disk is (critically )?full/);

  const { pool, catalog } = served.ctx;
  expect(await instancesOnDisk(pool)).toEqual(instances.map(({ id }) => id));
  expect(await readdir(pool.paths.staging)).toEqual([]);
  expect(await catalog.reservations()).toEqual([]);
  expect((await catalog.ledger(Date.now())).instances).toBe(1);

  // It is full no longer: the next one goes on, and the first one was never touched.
  await rm(foreign);
  const again = await served.spawn();
  for (const { id } of [...instances, ...again.instances]) expect(whatLacks(pool, id, template)).toEqual([]);
});

it('a disk that is full already: the request is held, the reason says so, and it is served once there is room', async (context) => {
  const mount = await mountTmpfs({ bytes: 64e6 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  mounted = mount;
  const template = await makeTemplate(join(dir, 'medium'), { files: 100, bytes: 40_000 });
  const served = await serve({ pool: 'held', root: join(mount.dir, 'pool'), template });
  await served.spawn();
  const foreign = join(mount.dir, 'foreign');
  fillUp(foreign);
  const id = await served.submit();
  await expect.poll(async () => (await served.ctx.catalog.held())[0]?.reason).toMatch(/available .* short/);
  expect(await instancesOnDisk(served.ctx.pool)).toHaveLength(1);
  await rm(foreign);
  expect((await served.watcher.wait(id)).instances).toHaveLength(1);
});

it('a disk with too few inodes: the pre-flight says so, and nothing is spawned', async (context) => {
  const mount = await mountTmpfs({ bytes: 64e6, inodes: 400 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  mounted = mount;
  const template = await makeTemplate(join(dir, 'small'), { files: 100, bytes: 10 });
  const served = await serve({ pool: 'inodes', root: join(mount.dir, 'pool'), template });
  await served.spawn();
  const short = served.submit({ count: 2, maxWaitMs: 200 });
  await expect(served.watcher.wait(await short)).rejects.toThrow(
    /needs \d+ inodes \(2 × \d+\); \d+ available .* \d+ inodes short/,
  );
  const never = served.submit({ count: 5 });
  await expect(served.watcher.wait(await never)).rejects.toThrow(
    /needs \d+ inodes .*; the disk has 400.*never fit/,
  );
  const jobs = await served.queues.spawn.getJobs(['completed', 'failed', 'waiting', 'active']);
  expect(jobs.filter(({ name }) => name === 'spawn')).toHaveLength(1);
  expect(await instancesOnDisk(served.ctx.pool)).toHaveLength(1);
});

async function serve({ pool, root, template }: { pool: string; root: string; template: string }) {
  stack = await startStack({
    target: { url: redis.url },
    pool,
    root,
    templates: { default: template },
    settings: {
      [`pools.${pool}.retention.prune_on_spawn`]: false,
      [`pools.${pool}.disk.prior_factor`]: 1,
      [`pools.${pool}.disk.ballast_mb`]: 0,
      'gate.poll_every': '100ms',
    },
  });
  return stack;
}
