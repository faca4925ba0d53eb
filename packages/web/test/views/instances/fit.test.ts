import { expect, test } from 'vitest';
import { fitColumns, gridTemplate } from '../../../src/views/instances/fit.ts';

const COLUMNS = [
  { name: 'id', width: 160, grow: 0, rank: 0 },
  { name: 'experiment', width: 100, grow: 2, rank: 2 },
  { name: 'age', width: 60, grow: 0, rank: 3 },
  { name: 'size', width: 80, grow: 0, rank: 1 },
];
const namesAt = (width: number) => fitColumns(COLUMNS, width).map(({ name }) => name);

test('a narrow list has the columns that matter most, in the order of a wide one', () => {
  expect(namesAt(400)).toEqual(['id', 'experiment', 'age', 'size']);
  expect(namesAt(399)).toEqual(['id', 'experiment', 'size']);
  expect(namesAt(339)).toEqual(['id', 'size']);
  expect(namesAt(100)).toEqual(['id']);
});

test('a column that matters less does not take the place of one that has no room', () => {
  expect(namesAt(310)).toEqual(['id', 'size']);
});

test('what is left of the width goes to those that may grow', () => {
  expect(gridTemplate(COLUMNS.slice(0, 2))).toBe('160px minmax(100px,2fr)');
});
