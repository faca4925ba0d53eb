import { expect, test } from 'vitest';
import {
  ALL_CHOSEN,
  extend,
  isChosen,
  isEmpty,
  NOTHING_CHOSEN,
  rangeTo,
  toggle,
} from '../../../src/views/instances/selection.ts';

test('rows are chosen one by one, and given up again', () => {
  const one = toggle(NOTHING_CHOSEN, 'a', 4);
  expect([isChosen(one, 'a'), isChosen(one, 'b'), isEmpty(one)]).toEqual([true, false, false]);
  expect(isEmpty(toggle(one, 'a', 4))).toBe(true);
  expect(isEmpty(NOTHING_CHOSEN)).toBe(true);
});

test('a range reaches from the row that was chosen last, up or down, and can be drawn further', () => {
  const one = toggle(NOTHING_CHOSEN, 'e', 4);
  expect(rangeTo(one, 7)).toEqual([4, 7]);
  expect(rangeTo(one, 2)).toEqual([2, 4]);
  const more = extend(one, ['e', 'f', 'g'], 6);
  expect([...more.ids]).toEqual(['e', 'f', 'g']);
  expect(rangeTo(more, 8)).toEqual([4, 8]);
  expect(rangeTo(NOTHING_CHOSEN, 3)).toEqual([3, 3]);
});

test('of all that match every row is chosen; choosing one after that is that one alone', () => {
  expect([isChosen(ALL_CHOSEN, 'whoever'), isEmpty(ALL_CHOSEN)]).toEqual([true, false]);
  const one = toggle(ALL_CHOSEN, 'a', 0);
  expect([one.isAll, [...one.ids]]).toEqual([false, ['a']]);
  expect([...extend(ALL_CHOSEN, ['b'], 1).ids]).toEqual(['b']);
});
