import { expect, test } from 'vitest';
import { sparkPath } from '../../../src/views/instances/spark.ts';

const BOX = { width: 60, height: 10 };

test.each([
  [
    'rises from half to full',
    [
      [0, 50],
      [10, 100],
    ],
    'M0 5L60 0',
  ],
  [
    'stands by time, not by count',
    [
      [0, 0],
      [10, 100],
      [40, 100],
    ],
    'M0 10L15 0L60 0',
  ],
  ['is flat for one point', [[7, 3]], 'M0 0L60 0'],
  [
    'lies at the bottom of nothing',
    [
      [0, 0],
      [9, 0],
    ],
    'M0 10L60 10',
  ],
  ['is empty without points', [], ''],
] as const)('a line %s', (_name, points, path) => {
  expect(sparkPath(points, BOX)).toBe(path);
});

test('a line stands under what it may become at most', () => {
  expect(
    sparkPath(
      [
        [0, 0],
        [1, 5],
      ],
      { ...BOX, most: 10 },
    ),
  ).toBe('M0 10L60 5');
});
