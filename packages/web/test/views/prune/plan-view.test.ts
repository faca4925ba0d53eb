import { expect, test } from 'vitest';
import { compare, freedBytes, type PlannedItem } from '../../../src/views/prune/plan-view.ts';

const plan = (
  ...items: readonly (readonly [id: string, action: 'keep' | 'delete', bytes: number | null])[]
) => ({
  items: items.map(
    ([id, action, bytes]) => ({ id, action, bytes, rule: 'count', reason: '' }) as PlannedItem,
  ),
});

test('a plan frees what it deletes, as far as that was measured, and not what it keeps', () => {
  expect(
    freedBytes(plan(['a', 'delete', 5], ['b', 'keep', 100], ['c', 'delete', null], ['d', 'delete', 2])),
  ).toBe(7);
});

test('against another plan it deletes some more, and spares some', () => {
  const now = plan(['a', 'delete', 1], ['b', 'keep', 1], ['c', 'delete', 1]);
  const { more, spared } = compare(now, plan(['a', 'keep', 1], ['b', 'delete', 1], ['c', 'delete', 1]));
  expect([more.map(({ id }) => id), spared.map(({ id }) => id)]).toEqual([['b'], ['a']]);
});
