import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finished } from '@spica/core';
import { previewAdmission } from '@spica/workers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';

/** A machine whose cores are all busy takes its time. */
const POLL = { timeout: 30_000 };

let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
beforeAll(async () => {
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-profiles-'));
  const templates: Record<string, string> = {};
  for (const name of ['default', 'learned', 'kept', 'tournament', 'replicas', 'linked']) {
    templates[name] = await makeTemplate(join(dir, name));
  }
  stack = await startStack({ target: { url: server.url }, templates });
  await stack.queues.sample.pause();
});
afterAll(async () => {
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

async function preview(template: string, asked: { experiment?: string; replicas?: boolean } = {}) {
  const { experiment = null } = asked;
  const replicas = asked.replicas ? { epochs: 1, slicesPerEpoch: 2, replicasPerSlice: 4 } : null;
  const { sentence } = await previewAdmission(stack.ctx, { template, count: 1, experiment, replicas });
  return sentence;
}

function finished(bytes: number): Finished {
  const clone = { bytes: 40_960, inodes: 9 };
  return { at: Date.now(), final: { bytes, inodes: 12 }, clone, grewForMs: 1_000, predicted: null };
}

async function learn(of: string, sizes: readonly number[]): Promise<void> {
  const { catalog, profiles } = stack.ctx;
  for (const [i, bytes] of sizes.entries()) await catalog.recordFinished(of, `${of}-${i}`, finished(bytes));
  await profiles.refresh([of]);
}

it('says that a template nobody has measured is reckoned with a prior', async () => {
  expect(await preview('default')).toMatch(
    /a prior, as nothing was measured yet: the prepared snapshot × 2, × 1\.1 for safety/,
  );
});

it('learns from an instance what it had become when it was deleted, though no sample was ever taken', async () => {
  const { instances } = await stack.spawn({ template: 'learned', count: 2 });
  for (const { path } of instances) await writeFile(join(path, 'result.bin'), Buffer.alloc(5_000_000));
  await stack.queues.prune.add('prune', { pool: 'main', cause: 'operator', maxInstances: 0, maxAgeMs: null });
  await expect.poll(() => instancesOnDisk(stack.ctx.pool), POLL).toEqual([]);
  await expect
    .poll(() => preview('learned'), POLL)
    .toMatch(/1 × 5\.0\d MB, p95 of 2 samples, × 1\.1 for safety/);
  const profile = await stack.ctx.catalog.readProfile('template:learned');
  expect(profile?.predictions).toMatchObject({ n: 2, exceeded: 2 }); // by far more than the prior
});

it('learns from the others where what one has become cannot be kept, and deletes all of them', async () => {
  await stack.spawn({ template: 'kept', count: 2 });
  const { catalog } = stack.ctx;
  vi.spyOn(catalog, 'recordFinished').mockRejectedValueOnce(new Error('OOM command not allowed'));
  await stack.queues.prune.add('prune', { pool: 'main', cause: 'operator', maxInstances: 0, maxAgeMs: null });
  await expect.poll(() => instancesOnDisk(stack.ctx.pool), POLL).toEqual([]);
  await expect.poll(() => catalog.readProfile('template:kept'), POLL).toMatchObject({ n: 1 });
});

it("learns nothing of files that have a hard link outside, as in a package manager's cache", async () => {
  const { instances } = await stack.spawn({ template: 'linked' });
  const installed = join(instances[0]?.path ?? '', 'installed');
  await mkdir(installed);
  for (let n = 0; n < 40; n += 1) {
    await writeFile(join(dir, `wheel-${n}`), Buffer.alloc(100_000, 'x'));
    await link(join(dir, `wheel-${n}`), join(installed, `file-${n}`));
  }
  await stack.queues.prune.add('prune', { pool: 'main', cause: 'operator', maxInstances: 0, maxAgeMs: null });
  await expect.poll(() => stack.ctx.catalog.readProfile('template:linked'), POLL).not.toBeNull();
  const profile = await stack.ctx.catalog.readProfile('template:linked');
  expect(profile?.bytes.p95).toBeLessThan(100_000);
  expect(profile?.inodes.p95).toBeLessThan(20);
});

it("goes by an experiment's own sizes from its tenth finished instance on, by its template's before", async () => {
  await learn('template:tournament', Array<number>(20).fill(1_000_000));
  await learn('experiment:night', Array<number>(9).fill(3_000_000));
  const ask = () => preview('tournament', { experiment: 'night' });
  expect(await ask()).toMatch(/1 × 1\.00 MB, p95 of 20 samples, /);
  await learn('experiment:night', Array<number>(10).fill(3_000_000));
  expect(await ask()).toMatch(/1 × 3\.00 MB, p95 of 10 samples of experiment night, /);
  expect(await preview('tournament')).toMatch(/p95 of 20 samples, /);
});

it('budgets replicas by replica_overhead until it was measured what one adds', async () => {
  await learn('template:replicas', [1_000_000]);
  const ask = () => preview('replicas', { replicas: true });
  expect(await ask()).toMatch(
    /\+ 1 × 1 × 2 × 4 replicas × 200 kB, replica_overhead 0\.2 of an instance, not measured yet/,
  );
  await learn('replica:replicas', [50_000]);
  expect(await ask()).toMatch(/\+ 1 × 1 × 2 × 4 replicas × 50\.0 kB, p95 of 1 sample\)/);
});
