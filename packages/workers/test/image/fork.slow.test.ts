import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awaitReturned, emptyTrash, reportImage, trashInstance } from '@spica/pool';
import { expect, it, onTestFinished, vi } from 'vitest';
import { changeBeforeEachRsync } from '../../../../test/support/changing.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { chargeOf, imageStack } from './stack.ts';

it('clones a live instance as it is now: its lineage says so, and each has a size and a cap of its own', async (context) => {
  const image = await imageStack();
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve({ 'pools.main.disk.max_instance_gb': 0.05 });
  const { pool, catalog } = stack.ctx;
  const [champion = { id: '', path: '' }] = (await stack.spawn()).instances;
  const weights = Buffer.alloc(20e6, 'trained ');
  await writeFile(join(champion.path, 'weights'), weights);
  const { instances } = await stack.spawn({ from: champion.id, parent: champion.id, count: 3 });
  expect(instances).toHaveLength(3);
  await writeFile(join(champion.path, 'weights'), 'trained on');
  for (const { id, path } of instances) {
    expect(weights.equals(await readFile(join(path, 'weights')))).toBe(true);
    expect(JSON.parse(await readFile(join(path, 'lineage.json'), 'utf8'))).toMatchObject({
      spica_id: id,
      parent_id: champion.id,
      generation: 1,
    });
    expect(JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'))).toMatchObject({ spica_id: id });
    expect((await catalog.get(id))?.record).toMatchObject({
      parent: champion.id,
      generation: 1,
      template: 'default',
    });
    const charge = await chargeOf(pool, id);
    expect(charge).toMatchObject({ capBytes: 50e6 });
    expect(charge?.bytes).toBeLessThan(1e6); // what it shares was charged to the champion
  }
  const [child = { id: '' }] = instances;
  const [grandchild = { id: '' }] = (await stack.spawn({ from: child.id, parent: child.id })).instances;
  expect((await catalog.get(grandchild.id))?.record).toMatchObject({ parent: child.id, generation: 2 });
  const orphaned = async () => (await reportImage({ name: 'main', root: image.site.root })).orphanedBytes;
  expect(await orphaned()).toBeLessThan(1e6); // of the trial at the start, if anything
  const entry = await trashInstance(pool, champion.id, { at: Date.now(), note: null });
  if (!entry) throw new Error('it was not there');
  await emptyTrash(entry);
  await awaitReturned(image.site.root, 30_000);
  expect(await orphaned()).toBeGreaterThan(20e6); // its clones have that still
  // The next look at what is charged tells those who look on.
  await expect
    .poll(async () => (await stack.ctx.gateView.read())?.orphanedBytes, { timeout: 120_000 })
    .toBeGreaterThan(20e6);
});

it('does not delete what it forks to make room for the forks', async (context) => {
  const image = await imageStack();
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve({ 'pools.main.retention.max_instances': 2 });
  const [champion = { id: '' }] = (await stack.spawn()).instances;
  const [other = { id: '' }] = (await stack.spawn()).instances; // younger: by the order it would go later
  const forked = await stack.spawn({ from: champion.id, parent: champion.id });
  const ids = [champion.id, ...forked.instances.map(({ id }) => id)];
  const known = await Array.fromAsync(stack.ctx.catalog.list(), ({ record }) => record.id);
  expect(known.toSorted()).toEqual(ids.toSorted());
  expect(ids).not.toContain(other.id);
});

it('refuses a source that is gone', async (context) => {
  const image = await imageStack();
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve();
  const from = 'spica-0123456789ab';
  await expect(stack.spawn({ from, parent: from })).rejects.toMatchObject({
    code: 'FORK_SOURCE_GONE',
    message: expect.stringContaining(from),
  });
});

it('copies a live instance where clones are copies, with its room reserved, and refuses one that changes all the time', async (context) => {
  const server = await startLocal();
  onTestFinished(() => server.stop());
  const dir = await mkdtemp(join(tmpdir(), 'spica-fork-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const template = await makeTemplate(join(dir, 'template'));
  const stack = await startStack({ target: { url: server.url }, templates: { default: template } });
  onTestFinished(() => stack.close());
  const { catalog, method } = stack.ctx;
  if (method === 'snapshot') return context.skip('the temporary directory is on btrfs');
  const [champion = { id: '', path: '' }] = (await stack.spawn()).instances;
  const weights = Buffer.alloc(20e6, 'trained ');
  await writeFile(join(champion.path, 'weights'), weights);
  const forked = await stack.spawn({ from: champion.id, parent: champion.id, count: 2 });
  for (const { id, path } of forked.instances) {
    expect(weights.equals(await readFile(join(path, 'weights')))).toBe(true);
    expect(JSON.parse(await readFile(join(path, 'lineage.json'), 'utf8'))).toMatchObject({
      spica_id: id,
      parent_id: champion.id,
    });
    const record = (await catalog.get(id))?.record;
    expect(record).toMatchObject({ parent: champion.id, generation: 1 });
    if (method === 'copy') expect(record?.cloned?.bytes).toBeGreaterThan(20e6);
  }
  await changeBeforeEachRsync(dir, join(champion.path, 'log'));
  await expect(stack.spawn({ from: champion.id, parent: champion.id })).rejects.toMatchObject({
    code: 'FORK_CHANGING',
  });
  vi.unstubAllEnvs();
  expect((await stack.spawn({ from: champion.id, parent: champion.id })).instances).toHaveLength(1);
});
