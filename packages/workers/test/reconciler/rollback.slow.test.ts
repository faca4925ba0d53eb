import { existsSync } from 'node:fs';
import { readRecord } from '@spica/pool';
import { expect, it } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { resultsOf } from '../../src/collector/results.ts';
import { findRelief } from '../../src/gatekeeper/relief.ts';
import { catalogInventory } from '../../src/pruner/inventory.ts';
import { takeOut } from '../../src/pruner/remove.ts';
import { readMirrored } from '../../src/runtime/mirrored.ts';

const POLL = { timeout: 120_000 };
const HOUR = 3_600_000;

let stack: Stack;
useStack((served) => {
  stack = served;
});

type Dump = readonly (readonly [key: string, value: Buffer])[];

/** What Redis has of the catalog now. */
async function dumpCatalog(): Promise<Dump> {
  const keys = await stack.redis.keys('{spica:main}:catalog:*');
  return Promise.all(keys.map(async (key) => [key, await stack.redis.dumpBuffer(key)] as const));
}

/** Redis steps back, as after a power loss with `appendfsync everysec`, or a failover to a replica that lagged behind. */
async function stepBack(dump: Dump): Promise<void> {
  const now = await stack.redis.keys('{spica:main}:catalog:*');
  const step = stack.redis.multi().del(...now); // in one, or what the pool's process writes in between is in the way
  for (const [key, value] of dump) step.restore(key, 0, value, 'REPLACE');
  await step.exec();
}

const remove = (id: string) =>
  takeOut({ ...stack.ctx, inventory: catalogInventory(stack.ctx), results: resultsOf(stack.ctx) }, [
    { id, reason: 'a test', rule: 'age', request: null, undo: false },
  ]);

it('a Redis that stepped back behind a lease and a pin: nothing is deleted, and both come back from the records', async () => {
  const { catalog, pool } = stack.ctx;
  const { instances } = await stack.spawn({ count: 3 });
  const [leased, pinned, free] = instances.map(({ id }) => id) as [string, string, string];
  const dump = await dumpCatalog();
  const now = Date.now();
  await catalog.lease(leased, { owner: 'ada', token: 't', expiresAt: now + 30 * 24 * HOUR, now });
  await catalog.mark(pinned, { pin: { by: 'eve', why: 'paper', at: 1 } });
  await catalog.mark(pinned, { collect: ['out/**'] });
  await expect.poll(async () => (await readRecord(pool, leased))?.lease?.owner, POLL).toBe('ada');
  await expect.poll(async () => (await readRecord(pool, pinned))?.pin?.why, POLL).toBe('paper');
  await expect.poll(async () => (await readRecord(pool, pinned))?.collect, POLL).toEqual(['out/**']);
  await expect.poll(() => readMirrored(pool), POLL).toBeGreaterThanOrEqual(2);

  await stepBack(dump);
  // Before anybody has noticed:
  expect((await remove(free)).skipped).toMatchObject([
    { reason: expect.stringMatching(/^Redis has lost changes|nothing is deleted before/) },
  ]);
  // Within seconds it is noticed:
  await expect.poll(async () => (await catalog.get(pinned))?.record.pin?.why, POLL).toBe('paper');
  await expect.poll(async () => (await catalog.get(pinned))?.record.collect, POLL).toEqual(['out/**']);
  await expect.poll(async () => (await catalog.get(leased))?.record.lease?.owner, POLL).toBe('ada');
  await expect.poll(() => catalog.changes(), POLL).toBeGreaterThan(await readMirrored(pool));
  for (const id of [leased, pinned]) expect((await remove(id)).taken).toEqual([]);
  expect(instances.every(({ path }) => existsSync(path))).toBe(true);
  const actions = (await readAudit(stack.ctx.audit.path)).map(({ action }) => action);
  expect(actions.filter((action) => action === 'protect_instance')).toHaveLength(2);
});

it('what could not be mirrored is given an hour, however long other leases run, and an operator can end it', async () => {
  const { catalog } = stack.ctx;
  const { instances } = await stack.spawn({ count: 2 });
  const [leased, free] = instances.map(({ id }) => id) as [string, string];
  const now = Date.now();
  await catalog.lease(leased, { owner: 'ada', token: 't', expiresAt: now + 30 * 24 * HOUR, now });
  await expect.poll(async () => (await readRecord(stack.ctx.pool, leased))?.lease?.owner, POLL).toBe('ada');
  await stack.redis.flushall();
  await expect.poll(() => catalog.reconciled(), POLL).not.toBeNull();
  const reconciled = await catalog.reconciled();
  expect(reconciled?.graceUntil).toBeGreaterThan(now);
  expect(reconciled?.graceUntil).toBeLessThanOrEqual(Date.now() + HOUR);
  expect((await remove(free)).skipped).toMatchObject([
    { reason: expect.stringMatching(/nothing is deleted before/) },
  ]);
  // A request that one of them would have to make room for is told the same.
  const one = { bytes: 0, inodes: 0, slots: 1 };
  const short = { shortage: { need: one, shortfall: one }, reserved: { bytes: 0, inodes: 0, slots: 0 } };
  const findHelp = async () =>
    (await findRelief(stack.ctx, { id: 'req-1', from: null }, short, { mayReclaim: true })).help?.sentence;
  expect(await findHelp()).toMatch(/^The catalog was lost: nothing is deleted before .*--end-grace/);
  await catalog.markReconciled({ at: now, graceUntil: Date.now() }); // spica reconcile --end-grace
  await expect.poll(async () => (await remove(free)).taken.length, POLL).toBe(1);
  expect((await remove(leased)).skipped).toMatchObject([{ reason: expect.stringMatching(/^leased by ada/) }]);
});
