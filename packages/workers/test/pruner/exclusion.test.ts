import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listTrash, readRecord } from '@spica/pool';
import { execa } from 'execa';
import { expect, it, vi } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { resultsOf } from '../../src/collector/results.ts';
import { catalogInventory } from '../../src/pruner/inventory.ts';
import { type DeletionContext, takeOut } from '../../src/pruner/remove.ts';
import { restoreInstance } from '../../src/pruner/restore.ts';

let stack: Stack;
useStack((served) => {
  stack = served;
});

const deletion = (): DeletionContext => ({
  ...stack.ctx,
  inventory: catalogInventory(stack.ctx),
  results: resultsOf(stack.ctx),
});
const removal = (id: string) => ({ id, reason: 'a test', rule: 'age', request: null, undo: false });
const spawnOne = async () => (await stack.spawn()).instances[0] ?? { id: '', path: '' };

it('of two runs that want the same instance, only the one whose mark it is goes on: a lease in between is kept', async () => {
  const { catalog } = stack.ctx;
  const { id, path } = await spawnOne();
  const now = Date.now();
  const first = await catalog.beginDelete(id, { owner: 'first', now, changesSeen: 0 });
  expect(first).toEqual({ outcome: 'begun' });
  const second = takeOut(deletion(), [removal(id)]);
  expect((await second).skipped).toEqual([{ id, reason: 'another run is deleting it' }]);
  expect(await catalog.endDelete(id, 'kept', 'second')).toBe(false);
  expect(await catalog.endDelete(id, 'kept', 'first')).toBe(true);
  const lease = { owner: 'ada', token: 't', expiresAt: now + 60_000, now };
  expect(await catalog.lease(id, lease)).toEqual({ outcome: 'granted' });
  expect((await takeOut(deletion(), [removal(id)])).skipped).toMatchObject([
    { reason: expect.stringMatching(/^leased by ada/) },
  ]);
  expect(existsSync(path)).toBe(true);
});

it('who begins to use an instance after its batch was looked through is seen right before the rename', async () => {
  const ctx = deletion();
  const [locked, worked] = [await spawnOne(), await spawnOne()];
  let child: { readonly pid?: number | undefined; kill(): boolean } | null = null;
  const begin = ctx.inventory.begin;
  vi.spyOn(ctx.inventory, 'begin').mockImplementation(async (id, of) => {
    if (id === locked.id) await writeFile(join(locked.path, '.tournament_lock'), '{}');
    else {
      child = execa('sleep', ['60'], { cwd: worked.path, reject: false });
      await expect.poll(() => child?.pid).toBeGreaterThan(0);
    }
    return begin(id, of);
  });
  const { taken, skipped } = await takeOut(ctx, [removal(locked.id), removal(worked.id)]);
  (child as { kill(): boolean } | null)?.kill();
  expect(taken).toEqual([]);
  expect(skipped.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/\.tournament_lock protects it/),
    expect.stringMatching(/^process \d+ \(sleep\) works in it$/),
  ]);
  expect(await stack.ctx.catalog.get(worked.id)).toMatchObject({ state: 'ready' });
});

it('a restore that comes while a deletion ends keeps the record, with the pin that was in it', async () => {
  const { ctx } = stack;
  const { id, path } = await spawnOne();
  const pin = { by: 'eve', why: 'paper', at: 1 };
  const inventory = catalogInventory(ctx);
  const renamed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const end = inventory.end;
  vi.spyOn(inventory, 'end').mockImplementation(async (...args) => {
    renamed.resolve(); // out of sight, and the deletion has still to say so
    await asked.promise;
    return end(...args);
  });
  const deleting = takeOut({ ...ctx, inventory, results: resultsOf(ctx) }, [removal(id)]);
  await renamed.promise;
  const turns = vi.spyOn(ctx.perInstance, 'run');
  const restoring = restoreInstance(ctx, id);
  const ofRestore = turns.mock.calls.map(([key]) => key); // nothing else runs before this
  asked.resolve();
  await Promise.all([deleting, restoring]);
  expect(ofRestore).toEqual([id]);
  await ctx.catalog.mark(id, { pin });
  expect(existsSync(path)).toBe(true);
  expect(await ctx.catalog.get(id)).toMatchObject({ state: 'ready' });
  await expect.poll(async () => (await readRecord(ctx.pool, id))?.pin).toEqual(pin);
  expect((await listTrash(ctx.pool)).map((entry) => entry.id)).not.toContain(id);
});
