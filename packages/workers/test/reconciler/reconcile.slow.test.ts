import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { reconcileNow } from '../../src/reconciler/job.ts';

const PIN = { by: 'ada', why: 'baseline of the paper', at: 1_000 };

let stack: Stack;
useStack((served) => {
  stack = served;
});

async function spawnPinned(): Promise<string> {
  const { instances } = await stack.spawn();
  const id = instances[0]?.id ?? '';
  await stack.ctx.catalog.mark(id, { pin: PIN });
  await expect.poll(() => recordText(id)).toContain('baseline of the paper');
  return id;
}

const recordPath = (id: string) => join(stack.ctx.pool.paths.records, `${id}.json`);
const recordText = (id: string) => readFile(recordPath(id), 'utf8');

it('keeps what is known of an instance whose manifest cannot be read for now', async () => {
  const id = await spawnPinned();
  const manifest = join(stack.ctx.pool.pathOf(id), 'manifest.json');
  const text = await readFile(manifest, 'utf8');
  await writeFile(manifest, text.slice(0, 20));
  expect(await reconcileNow(stack.ctx)).toMatchObject({ buried: 0, adopted: 0, recordsRemoved: 0 });
  await writeFile(manifest, text);
  expect(await reconcileNow(stack.ctx)).toMatchObject({ buried: 0, adopted: 0 });
  expect((await stack.ctx.catalog.get(id))?.record).toMatchObject({ pin: PIN, template: 'default' });
  expect(await recordText(id)).toContain('baseline of the paper');
});

it.each<[string, (manifest: string) => Promise<unknown>]>([
  ['was removed, as by `git clean -fdx`', (manifest) => rm(manifest)],
  ['is torn', (manifest) => writeFile(manifest, '{"schema":')],
])('takes in an instance by its record when the catalog was lost and its manifest %s', async (_, spoil) => {
  const id = await spawnPinned();
  await spoil(join(stack.ctx.pool.pathOf(id), 'manifest.json'));
  await rm(join(stack.ctx.pool.pathOf(id), 'lineage.json'));
  await stack.redis.flushall();
  const { graceUntil, ...found } = await reconcileNow(stack.ctx);
  expect(found).toMatchObject({ adopted: 1, flagged: 1, unknownDirectories: [] });
  expect(graceUntil).toBeGreaterThan(Date.now());
  expect((await stack.ctx.catalog.get(id))?.record).toMatchObject({ pin: PIN, template: 'default' });
  expect(stack.ctx.gate.ledger.has(id)).toBe(true);
  expect(await reconcileNow(stack.ctx)).toMatchObject({ adopted: 0, buried: 0, recordsRemoved: 0 });
});

it('flags an instance whose set-up was cut off, and that nobody waits for any more', async () => {
  const id = await spawnPinned();
  const record = JSON.parse(await recordText(id));
  await writeFile(recordPath(id), JSON.stringify({ ...record, settingUp: true }));
  await stack.redis.flushall();
  expect(await reconcileNow(stack.ctx)).toMatchObject({ adopted: 1, flagged: 1 });
  expect(existsSync(stack.ctx.pool.pathOf(id))).toBe(true);
});

it('counts generations on from a parent whose lineage was removed', async () => {
  const first = await spawnPinned();
  const { instances } = await stack.spawn({ parent: first });
  const second = instances[0]?.id ?? '';
  await rm(join(stack.ctx.pool.pathOf(second), 'lineage.json'));
  const { instances: third } = await stack.spawn({ parent: second });
  const known = await stack.ctx.catalog.get(third[0]?.id ?? '');
  expect(known?.record).toMatchObject({ parent: second, generation: 2 });
});

it('makes nothing of an instance whose record cannot be read: it may be pinned', async () => {
  const id = await spawnPinned();
  const newer = JSON.stringify({ ...JSON.parse(await recordText(id)), mood: 'of a later version' });
  await writeFile(recordPath(id), newer);
  await stack.redis.flushall();
  const found = await reconcileNow(stack.ctx);
  expect(found).toMatchObject({ adopted: 0, brokenRecords: [{ name: `${id}.json` }] });
  expect(await recordText(id)).toBe(newer);
  expect(await stack.ctx.catalog.get(id)).toBeNull();
});

it('takes in an instance whose manifest says the year 1, as of unknown age', async () => {
  const id = 'spica-0123456789ab';
  const { instances } = await stack.spawn();
  const root = stack.ctx.pool.pathOf(instances[0]?.id ?? '');
  await mkdir(stack.ctx.pool.pathOf(id));
  for (const name of ['manifest.json', 'lineage.json']) {
    const own = JSON.parse(await readFile(join(root, name), 'utf8'));
    const foreign = { ...own, spica_id: id, spawned_at: '0001-01-01T00:00:00Z' };
    await writeFile(join(stack.ctx.pool.pathOf(id), name), JSON.stringify(foreign));
  }
  expect(await reconcileNow(stack.ctx)).toMatchObject({ adopted: 1 });
  expect((await stack.ctx.catalog.get(id))?.record.spawnedAt).toBeNull();
  expect(await Array.fromAsync(stack.ctx.catalog.list())).toHaveLength(2);
});
