import { watch } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpawnRequest } from '@spica/queues';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { whyHeld } from '../support/audit.ts';
import { fillTmpfs } from '../support/fill.ts';
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

/** A pool with one instance, and a request whose clone somebody fills the disk in the middle of. */
async function fillMidClone(mount: Mounted, pool: string, request: Partial<SpawnRequest>) {
  // Many files: the clone takes a while.
  const template = await makeTemplate(join(dir, pool), { files: 4_000, bytes: 4_000 });
  const served = await serve({ pool, root: join(mount.dir, 'pool'), template });
  const { instances } = await served.spawn();
  const foreign = join(mount.dir, 'foreign');
  const filled = Promise.withResolvers<void>();
  const watcher = watch(served.ctx.pool.paths.staging, () => {
    watcher.close();
    fillTmpfs(foreign);
    filled.resolve();
  });
  const id = await served.submit(request);
  await filled.promise;
  return { served, template, foreign, id, first: instances.map((instance) => instance.id) };
}

/** Of a request that has no room there is nothing but its place in the line. */
async function expectNothingOf({ ctx }: Stack, first: readonly string[]): Promise<void> {
  expect(await instancesOnDisk(ctx.pool)).toEqual(first);
  expect(await readdir(ctx.pool.paths.staging)).toEqual([]);
  expect(await readdir(ctx.pool.paths.trash)).toEqual([]);
  expect(ctx.gate.ledger.requests).toEqual([]);
  const { reserved, instances } = ctx.gate.ledger.sums(Date.now());
  expect({ reserved, instances }).toEqual({ reserved: { bytes: 0, inodes: 0, slots: 0 }, instances: 1 });
}

const PLAIN_WORDS = /the disk is (critically )?full/;
/** What the system calls it, or a call that it came from. */
const SYSTEMS_WORDS = /ENOSPC|errno|syscall|, write|, open|, mkdir|, copyfile/;

it('a disk that somebody fills in the middle of a clone: the request is held, and served once there is room', async (context) => {
  const mount = await mountTmpfs({ bytes: 64e6 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  mounted = mount;
  const { served, template, foreign, id, first } = await fillMidClone(mount, 'filled', {});
  // Of the log: by the next decision the reason is the sum, which the same disk makes short.
  const held = () => whyHeld(served.ctx.audit.path, id);
  await expect.poll(held).toMatch(PLAIN_WORDS);
  expect(await held()).not.toMatch(SYSTEMS_WORDS);
  await expectNothingOf(served, first);

  await rm(foreign);
  const { instances } = await served.watcher.wait(id);
  const ids = instances.map((instance) => instance.id);
  expect(ids).toHaveLength(1);
  for (const each of [...first, ...ids]) expect(whatLacks(served.ctx.pool, each, template)).toEqual([]);
});

it('a request whose room somebody took, and that may not wait for it, ends in plain words and leaves nothing', async (context) => {
  const mount = await mountTmpfs({ bytes: 64e6 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  mounted = mount;
  const { served, template, foreign, id, first } = await fillMidClone(mount, 'impatient', {
    maxWaitMs: 2_000,
  });
  const error = await served.watcher.wait(id).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'MAX_WAIT_EXCEEDED' });
  expect(String(error)).toMatch(/held for 2s \(max_wait\) in vain: .*(full|short)/);
  expect(String(error)).not.toMatch(SYSTEMS_WORDS);
  await expectNothingOf(served, first);

  // It is full no longer: the next one goes on, and the first one was never touched.
  await rm(foreign);
  const again = await served.spawn();
  const ids = [...first, ...again.instances.map((instance) => instance.id)];
  for (const each of ids) expect(whatLacks(served.ctx.pool, each, template)).toEqual([]);
});

it('a disk that is full already: the request is held, the reason says so, and it is served once there is room', async (context) => {
  const mount = await mountTmpfs({ bytes: 64e6 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  mounted = mount;
  const template = await makeTemplate(join(dir, 'medium'), { files: 100, bytes: 40_000 });
  const served = await serve({ pool: 'held', root: join(mount.dir, 'pool'), template });
  await served.spawn();
  const foreign = join(mount.dir, 'foreign');
  fillTmpfs(foreign);
  const id = await served.submit();
  await expect
    .poll(() => served.ctx.gate.line.inOrder().find(({ request }) => request === id)?.reason)
    .toMatch(/available .* short/);
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
