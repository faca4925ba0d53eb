import { type Candidate, UNSAVED } from '@spica/core';
import { expect, it, vi } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { readAll, readCandidates, servedCandidates } from '../../src/pruner/candidates.ts';
import { planningInventory } from '../../src/pruner/inventory.ts';
import { planPrune } from '../../src/pruner/plan.ts';

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'pools.main.disk.prior_factor': 50, 'pools.main.disk.growth_window': '1h' },
);

const FACTS = [
  'id',
  'experiment',
  'spawnedAt',
  'score',
  'usedUntil',
  'discarded',
  'bytes',
  'inodes',
] as const;

/** What plans are made by, of an index's row or of an instance that was read. */
function facts(candidate: Candidate) {
  const { bytes, inodes } = candidate.growth; // when it ends is the gate's alone
  return [...FACTS.map((name) => candidate[name]), bytes, inodes, candidate.protectedBy?.rule ?? null];
}

it('a plan sees the same instances in the index of lists as in the catalog, with what they are to grow by', async () => {
  const { ctx } = stack;
  const { instances } = await stack.spawn({ count: 4, experiment: 'e' });
  const [first = '', second = '', third = ''] = instances.map(({ id }) => id);
  await ctx.catalog.mark(first, { score: 0.5 });
  await ctx.catalog.mark(second, { pin: { by: 'ada', why: 'best', at: ctx.clock.now() } });
  await ctx.catalog.mark(third, { unsaved: '1 unpushed commit' });
  const indexed = await readAll(ctx, planningInventory(ctx));
  const read = await Array.fromAsync(readCandidates(ctx, { list: () => ctx.catalog.list() }));
  expect(indexed.map(facts)).toEqual(read.map(facts));
  expect(indexed.some(({ growth }) => growth.bytes > 0)).toBe(true);
  const ruleOf = (id: string, candidates: readonly Candidate[]) =>
    candidates.find((each) => each.id === id)?.protectedBy?.rule ?? null;
  expect([ruleOf(second, indexed), ruleOf(third, indexed)]).toEqual(['pinned', null]);
  expect(ruleOf(third, [...(await servedCandidates(ctx, { keepsUnsaved: true }))])).toBe(UNSAVED);
});

it.each([
  ['of an operator', { cause: 'operator', maxInstances: null, maxAgeMs: null }, 2],
  ['that may stop at the oldest', { cause: 'schedule' }, 1],
] as const)('no plan %s reads what the start of the pool has read', async (_, job, looked) => {
  const { ctx } = stack;
  await stack.spawn({ count: 2 });
  const list = vi.spyOn(ctx.catalog, 'list');
  expect((await planPrune(ctx, { pool: 'main', ...job })).items).toHaveLength(looked);
  expect(list).not.toHaveBeenCalled();
});
