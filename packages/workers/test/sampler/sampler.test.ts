import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashLeaseToken } from '@spica/catalog';
import type { SampleResult } from '@spica/queues';
import type { Job } from 'bullmq';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { reconcileNow } from '../../src/reconciler/job.ts';
import { createSampler } from '../../src/sampler/processor.ts';

const MINUTE_MS = 60_000;
const TOKEN = 'b'.repeat(32);
const LEASE = { owner: 'tester', tokenHash: hashLeaseToken(TOKEN), ms: 24 * 60 * MINUTE_MS };

let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
beforeAll(async () => {
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-sampler-'));
  const template = await makeTemplate(join(dir, 'template'));
  stack = await startStack({
    target: { url: server.url },
    templates: { default: template },
    settings: {
      'sample.every': '1m',
      'sample.max_age': '1h',
      'pools.main.retention.max_instances': 20,
      'pools.main.disk.max_instance_gb': 0.002,
      'pools.main.disk.on_oversize': 'end_lease',
    },
  });
  await stack.queues.sample.pause(); // measured only by these tests
});
afterAll(async () => {
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

/** Measures instances as a job of the sample queue does, at a time of the test's choosing. */
function sample(ids: readonly string[] | null, now: number): Promise<SampleResult> {
  const measure = createSampler({ ...stack.ctx, clock: { now: () => now } });
  return measure({ id: 'test', data: { pool: 'main', ids } } as Job);
}

async function spawnOne(lease: typeof LEASE | null = null) {
  const { instances } = await stack.spawn({ lease });
  const { id = '', path = '' } = instances[0] ?? {};
  return { id, path, file: join(path, 'result.bin') };
}

function renew(id: string) {
  const now = Date.now();
  const lease = { owner: LEASE.owner, token: TOKEN, expiresAt: now + LEASE.ms, now };
  return stack.ctx.catalog.lease(id, lease);
}

it('measures an instance that grows at every pass, and a quiet one ever more rarely, once an hour in the end', async () => {
  const { id, file } = await spawnOne();
  let now = Date.now() + MINUTE_MS;
  await sample([id], now);
  const nextGap = async () => {
    for (let minutes = 1; ; minutes += 1) {
      now += MINUTE_MS;
      if ((await stack.ctx.catalog.listDue(now, 100)).includes(id)) return minutes;
    }
  };
  const quiet: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    quiet.push(await nextGap());
    await sample([id], now);
  }
  expect(quiet).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);

  const growing: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    await appendFile(file, Buffer.alloc(2_000_000));
    await sample([id], now);
    growing.push(await nextGap());
  }
  expect(growing.slice(1).every((minutes) => minutes <= 2)).toBe(true);
  expect(growing.at(-1)).toBe(1);
});

it('passes over what vanished, and measures the rest', async () => {
  const [gone, there] = [await spawnOne(), await spawnOne()];
  await rm(gone.path, { recursive: true });
  const unknown = 'spica-0123456789ab';
  expect(await sample([gone.id, there.id, unknown], Date.now())).toEqual({
    measured: [there.id],
    vanished: [gone.id, unknown],
  });
  await reconcileNow(stack.ctx);
});

it('keeps what was measured in the catalog and in the record on disk, and takes it off what is still expected', async () => {
  const { id, file } = await spawnOne();
  const expectedOf = () => stack.ctx.gate.ledger.sums(Date.now()).growth.bytes;
  await sample([id], Date.now());
  const before = expectedOf();
  await writeFile(file, Buffer.alloc(20_480));
  await sample([id], Date.now() + MINUTE_MS);
  expect(before - expectedOf()).toBe(20_480);
  const { record } = (await stack.ctx.catalog.get(id)) ?? {};
  const onDisk = JSON.parse(await readFile(join(stack.ctx.pool.paths.records, `${id}.json`), 'utf8'));
  expect(onDisk.sample).toEqual(record?.sample);
  expect(record?.sample?.ownBytes).toBeGreaterThan(20_480);
});

it('expects nothing more of an instance that was let go of while it was measured, and counts on one leased meanwhile', async () => {
  const { id } = await spawnOne(LEASE);
  const { catalog } = stack.ctx;
  const now = Date.now() + MINUTE_MS;
  const expected = () => stack.ctx.gate.ledger.sums(now).growth.bytes;
  /** Measures it, and does something to it after it was looked up. */
  const sampleWhile = async (meanwhile: () => Promise<unknown>) => {
    const getMany = async (ids: readonly string[]) => {
      const found = await catalog.getMany(ids);
      await meanwhile();
      return found;
    };
    const measure = createSampler({
      ...stack.ctx,
      catalog: { ...catalog, getMany },
      clock: { now: () => now },
    });
    await measure({ id: 'test', data: { pool: 'main', ids: [id] } } as Job);
  };
  await sample([id], now);
  const leased = expected();
  await sampleWhile(() => catalog.releaseLease(id, { token: TOKEN, now }));
  await expect.poll(expected).toBeLessThan(leased);
  const released = expected();
  const lease = { owner: LEASE.owner, token: TOKEN, expiresAt: now + LEASE.ms, now };
  await sampleWhile(() => catalog.lease(id, lease));
  await expect.poll(expected).toBe(leased); // the upkeep counts it too, and may have looked it up before
  await catalog.releaseLease(id, { token: TOKEN, now });
  await expect.poll(expected, { timeout: 30_000 }).toBe(released); // followed without a sample
});

it('flags an instance over max_instance_gb in the audit log, and its lease is not renewed while it is so large', async () => {
  const { id, file } = await spawnOne(LEASE);
  expect(await renew(id)).toEqual({ outcome: 'renewed' });
  await writeFile(file, Buffer.alloc(3_000_000));
  await sample([id], Date.now() + MINUTE_MS);
  expect(await renew(id)).toEqual({ outcome: 'oversize' });
  expect((await stack.ctx.catalog.get(id))?.record).toMatchObject({
    oversize: 'end_lease',
    lease: { owner: LEASE.owner },
  });

  await truncate(file);
  await sample([id], Date.now() + 2 * MINUTE_MS);
  expect(await renew(id)).toEqual({ outcome: 'renewed' });
  const logged = (await readAudit(stack.ctx.audit.path)).filter(({ instance }) => instance === id);
  expect(logged.filter(({ action }) => action === 'oversize')).toMatchObject([
    {
      outcome: 'flagged',
      reason: expect.stringMatching(/max_instance_gb is 0.002; its lease is not renewed$/),
    },
    { outcome: 'no longer' },
  ]);
});

it('acts on an on_oversize that was changed after an instance was flagged, and tells it once more', async () => {
  const { id, file } = await spawnOne(LEASE);
  await writeFile(file, Buffer.alloc(3_000_000));
  const { policy } = stack.ctx;
  const warns = {
    ...stack.ctx,
    policy: { ...policy, disk: { ...policy.disk, onOversize: 'warn' as const } },
  };
  await createSampler(warns)({ id: 'test', data: { pool: 'main', ids: [id] } } as Job);
  expect(await renew(id)).toEqual({ outcome: 'renewed' });
  await sample([id], Date.now() + MINUTE_MS);
  expect(await renew(id)).toEqual({ outcome: 'oversize' });
  await sample([id], Date.now() + 2 * MINUTE_MS);
  const logged = (await readAudit(stack.ctx.audit.path)).filter(({ instance }) => instance === id);
  expect(logged.filter(({ action }) => action === 'oversize')).toHaveLength(2);
});
