import { instanceIdOf } from '@spica/core';
import { listTrash } from '@spica/pool';
import type { Job } from 'bullmq';
import { expect, it, vi } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { resultsOf } from '../../src/collector/results.ts';
import { catalogInventory } from '../../src/pruner/inventory.ts';
import { createPruner } from '../../src/pruner/processor.ts';
import { takeOut } from '../../src/pruner/remove.ts';
import { restoreInstance } from '../../src/pruner/restore.ts';
import { reconcileNow } from '../../src/reconciler/job.ts';
import { SHUTTING_DOWN } from '../../src/runtime/hand-back.ts';

const COUNT = 20;

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'pools.main.retention.max_instances': COUNT },
);

const deletion = () => ({
  ...stack.ctx,
  inventory: catalogInventory(stack.ctx),
  results: resultsOf(stack.ctx),
});
const REFUSED = Object.assign(new Error('MISCONF Redis is configured to save'), { name: 'ReplyError' });

it('an undo that is cut off by a stop goes back to its queue, and the next start does the rest', async () => {
  const { ctx } = stack;
  const id = await stack.submit({ count: COUNT });
  await stack.watcher.wait(id);
  const ids = Array.from({ length: COUNT }, (_, index) => instanceIdOf('main', id, index));
  for (const each of ids) await stack.redis.hset('{spica:main}:catalog:in-flight', each, id); // as before its end
  const stop = new AbortController();
  const { beginDelete } = ctx.catalog;
  vi.spyOn(ctx.catalog, 'beginDelete').mockImplementation(async (...args) => {
    stop.abort(SHUTTING_DOWN);
    return beginDelete(...args);
  });
  const data = { pool: 'main', cause: 'undo', request: id, count: COUNT, reason: `request ${id} failed` };
  const job = { id: 'test', data, moveToDelayed: async () => undefined } as unknown as Job;
  const prune = createPruner(ctx);
  await expect(prune(job, 'token', stop.signal)).rejects.toMatchObject({ name: 'DelayedError' });
  const left = (await instancesOnDisk(ctx.pool)).length;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(COUNT);
  const logged = (await readAudit(ctx.audit.path)).filter(
    ({ outcome }) => outcome === `left: ${SHUTTING_DOWN}`,
  );
  expect(logged).toHaveLength(left);
  vi.restoreAllMocks();
  expect(await prune(job, 'token', new AbortController().signal)).toMatchObject({ failed: [] });
  expect(await instancesOnDisk(ctx.pool)).toEqual([]);
});

it('a deletion whose end Redis does not take gives its slot back with the next reconcile', async () => {
  const { ctx } = stack;
  const { instances } = await stack.spawn({ count: 2 });
  const [gone = '', other = ''] = instances.map(({ id }) => id);
  const endDelete = vi.spyOn(ctx.catalog, 'endDelete').mockRejectedValue(REFUSED);
  const removals = [{ id: gone, reason: 'a test', rule: 'age', request: null, undo: false }];
  expect(await takeOut(deletion(), removals)).toMatchObject({ taken: [], failed: [{ id: gone }] });
  expect(endDelete.mock.calls).toEqual([[gone, 'gone', expect.any(String)]]); // never taken back: it is out of sight
  endDelete.mockRestore();
  expect((await listTrash(ctx.pool)).map(({ id }) => id)).toEqual([gone]);
  expect((await ctx.catalog.get(gone))?.state).toBe('deleting');
  const { wakes } = ctx.gate.line;
  await reconcileNow(ctx);
  expect(ctx.gate.line.wakes).toBeGreaterThan(wakes); // there is room for others now
  expect(await ctx.catalog.get(gone)).toBeNull();
  expect(ctx.gate.ledger.sums(Date.now()).instances).toBe(1);
  expect((await ctx.catalog.get(other))?.state).toBe('ready');
});

it('an instance whose deletion Redis did not take the end of can be brought back, and is kept then', async () => {
  const { ctx } = stack;
  const { instances } = await stack.spawn();
  const id = instances[0]?.id ?? '';
  const endDelete = vi.spyOn(ctx.catalog, 'endDelete').mockRejectedValue(REFUSED);
  await takeOut(deletion(), [{ id, reason: 'a test', rule: 'age', request: null, undo: false }]);
  endDelete.mockRestore();
  await restoreInstance(ctx, id);
  expect((await ctx.catalog.get(id))?.state).toBe('ready');
  expect(await ctx.catalog.mark(id, { pin: { by: 'ada', why: 'a test', at: 1 } })).toBe('marked');
});
