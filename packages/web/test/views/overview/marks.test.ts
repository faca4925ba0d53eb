import { expect, test } from 'vitest';
import type { HistoryMark } from '../../../src/api/views.ts';
import { groupMarks } from '../../../src/views/overview/disk/marks.ts';

const mark = (at: number, kind: HistoryMark['kind'], count = 1): HistoryMark => {
  return { at: new Date(at).toISOString(), kind, count, text: `${kind} at ${at}`, seq: null };
};

test('marks that would cover one another are one, under the gravest of them; those outside are left out', () => {
  const marks = [
    mark(108, 'deletion', 3),
    mark(100, 'held'),
    mark(150, 'cap'),
    mark(-5, 'level'),
    mark(999, 'level'),
  ];
  const groups = groupMarks(marks, (at) => at, { gap: 20, width: 500 });
  expect(groups.map(({ left, kind, count }) => [left, kind, count])).toEqual([
    [100, 'held', 4],
    [150, 'cap', 1],
  ]);
});

test('a long row of marks is not all one: a group is as wide as the gap', () => {
  const marks = [0, 10, 20, 30, 40].map((at) => mark(at, 'deletion'));
  const groups = groupMarks(marks, (at) => at, { gap: 20, width: 500 });
  expect(groups.map(({ left, count }) => [left, count])).toEqual([
    [0, 2],
    [20, 2],
    [40, 1],
  ]);
});
