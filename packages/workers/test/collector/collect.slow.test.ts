import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashLeaseToken, newLeaseToken } from '@spica/catalog';
import type { PruneResult } from '@spica/queues';
import { QueueEvents } from 'bullmq';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';

let base: string;
let to: string;
let stack: Stack;
let redis: Awaited<ReturnType<typeof startLocal>>;
let events: QueueEvents;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'spica-collecting-'));
  to = join(base, 'results');
  const path = await makeTemplate(join(base, 'template'));
  redis = await startLocal();
  stack = await startStack({
    target: { url: redis.url },
    templates: {},
    settings: {
      'pools.main.templates': { default: { path, collect: ['out/**'] } },
      'pools.main.collect_to': to,
      'pools.main.collect_timeout': '10m',
      'pools.main.retention.keep_after_lease': '0s',
      'pools.main.retention.max_instances': 20,
    },
  });
  const { prune } = stack.queues;
  events = new QueueEvents(prune.name, { connection: { url: redis.url }, prefix: prune.opts.prefix ?? '' });
  await events.waitUntilReady();
});

afterAll(async () => {
  await events?.close();
  await stack?.close();
  await redis?.stop();
  await rm(base, { recursive: true });
});

beforeEach(async () => {
  await mkdir(to, { recursive: true });
});

/** An instance with a result in it, leased. */
async function spawnLeased({ collect = null }: { collect?: string[] | null } = {}) {
  const token = newLeaseToken();
  const lease = { owner: 'a test', tokenHash: hashLeaseToken(token), ms: 3_600_000 };
  const { instances } = await stack.spawn({ experiment: 'sweep', lease, collect });
  const [instance] = instances;
  if (!instance) throw new Error('no instance came up');
  await mkdir(join(instance.path, 'out'));
  await writeFile(join(instance.path, 'out/result'), 'first');
  const release = () =>
    stack.ctx.catalog.releaseLease(instance.id, { token, now: stack.ctx.clockGuard.now() });
  return { ...instance, token, release };
}

const get = async (id: string) => stack.ctx.catalog.get(id);
const collectedOf = async (id: string) => (await get(id))?.record.collected ?? null;
const resultOf = (id: string) => readFile(join(to, 'sweep', id, 'out/result'), 'utf8');
const auditOf = async (id: string) =>
  (await readAudit(stack.ctx.audit.path)).filter(
    ({ instance, action }) => instance === id && action === 'collect_instance',
  );

/** Has the pruner delete all that it may. */
async function pruneAll(): Promise<PruneResult> {
  const payload = { pool: 'main', cause: 'operator', maxInstances: 1, maxAgeMs: 1 } as const;
  const job = await stack.queues.prune.add('prune', payload);
  return job.waitUntilFinished(events);
}

test('soon after its lease was released an instance’s results are collected, and its record says so', async () => {
  const { id, release } = await spawnLeased();
  expect((await get(id))?.record).toMatchObject({ collect: ['out/**'], collected: null });
  await release();
  await expect.poll(() => collectedOf(id)).toMatchObject({ to: join(to, 'sweep', id), files: 1, skipped: 0 });
  expect(await resultOf(id)).toBe('first');
  await expect.poll(() => auditOf(id)).toMatchObject([{ outcome: `collected to ${join(to, 'sweep', id)}` }]);
});

test('so they are when the lease expires', async () => {
  const { id, token } = await spawnLeased();
  const now = stack.ctx.clockGuard.now();
  await stack.ctx.catalog.lease(id, { owner: 'a test', token, expiresAt: now + 1_000, now });
  await expect.poll(() => collectedOf(id)).toMatchObject({ files: 1 });
});

test('a request says what is collected of its instances; with nothing to collect they go as before', async () => {
  const one = await spawnLeased({ collect: ['*.json'] });
  await one.release();
  await expect.poll(() => collectedOf(one.id)).not.toBeNull();
  expect(await readdir(join(to, 'sweep', one.id))).toContain('manifest.json');
  const none = await spawnLeased({ collect: [] });
  await none.release();
  expect((await pruneAll()).pruned.map(({ id }) => id)).toContain(none.id);
  await expect(readdir(join(to, 'sweep', none.id))).rejects.toThrow();
});

describe('before a deletion', () => {
  test('they are collected first, where nobody has yet', async () => {
    const { instances } = await stack.spawn({ experiment: 'sweep' });
    const [{ id, path } = { id: '', path: '' }] = instances;
    await mkdir(join(path, 'out'));
    await writeFile(join(path, 'out/result'), 'never leased');
    expect((await pruneAll()).pruned.map((each) => each.id)).toContain(id);
    expect(await resultOf(id)).toBe('never leased');
  });

  test('they are collected again where they have changed since', async () => {
    const { id, path, release } = await spawnLeased();
    await release();
    await expect.poll(() => collectedOf(id)).not.toBeNull();
    await writeFile(join(path, 'out/result'), 'second');
    expect((await pruneAll()).pruned.map((each) => each.id)).toContain(id);
    expect(await resultOf(id)).toBe('second');
  });

  test('what cannot be collected is kept, told of once, and goes when that is mended', async () => {
    const away = join(base, 'unmounted');
    await rename(to, away);
    const { id, release } = await spawnLeased();
    await release();
    await expect.poll(async () => (await get(id))?.collectFailure).toMatchObject({ tries: 1 });
    const cause = `COLLECT_TARGET: ${to} is no directory (collect_to): make it, or mount its disk`;
    for (let n = 0; n < 2; n += 1) {
      const { skipped } = await pruneAll();
      expect(skipped).toContainEqual({ id, reason: `its results could not be collected: ${cause}` });
    }
    expect(await instancesOnDisk(stack.ctx.pool)).toContain(id);
    expect((await get(id))?.collectFailure).toMatchObject({ cause, tries: 3 });
    expect(await auditOf(id)).toMatchObject([{ outcome: `failed: ${cause}` }]);
    await rename(away, to);
    expect((await pruneAll()).pruned.map((each) => each.id)).toContain(id);
    expect(await resultOf(id)).toBe('first');
  });

  test('a plan passes over what could not be collected a moment ago', async () => {
    await rm(to, { recursive: true });
    const { id, release } = await spawnLeased();
    await release();
    await expect.poll(async () => (await get(id))?.collectFailure).not.toBeNull();
    const job = await stack.queues.prune.add('prune', { pool: 'main', cause: 'schedule' });
    const { pruned, skipped }: PruneResult = await job.waitUntilFinished(events);
    expect([...pruned, ...skipped].map((each) => each.id)).not.toContain(id);
  });

  test('what the system says of the target keeps it, too, in words', async () => {
    await rm(to, { recursive: true });
    await mkdir(to);
    await writeFile(join(to, 'sweep'), 'in the way');
    const { id, release } = await spawnLeased();
    await release();
    await expect
      .poll(async () => (await get(id))?.collectFailure)
      .toMatchObject({
        cause: expect.stringMatching(/^COLLECT_FAILED: .*sweep.*(file already exists|not a directory)/),
      });
    await rm(join(to, 'sweep'));
    expect((await pruneAll()).pruned.map((each) => each.id)).toContain(id);
  });
});

test('a hole of 1 TB in its results is no 1 TB', async () => {
  const { id, path, release } = await spawnLeased();
  await writeFile(join(path, 'out/large'), '');
  await truncate(join(path, 'out/large'), 1e12); // a hole is no data
  await release();
  await expect.poll(() => collectedOf(id)).toMatchObject({ files: 2 });
});
