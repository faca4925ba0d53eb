import { addSize, readSizes, type SizePoint, writeSizes } from '@spica/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const history = (points: readonly SizePoint[]) =>
  points.reduce<readonly SizePoint[]>((sizes, point) => addSize(sizes, point), []);

it('a size that does not change is two points, however often it was measured', () => {
  const same = Array.from({ length: 50 }, (_, i): SizePoint => [i * 1_000, 7]);
  expect(history(same)).toEqual([
    [0, 7],
    [49_000, 7],
  ]);
  expect(history([...same, [50_000, 9]])).toEqual([
    [0, 7],
    [49_000, 7],
    [50_000, 9],
  ]);
});

it('of many sizes the first and the last are kept, and those between are spread over the time', () => {
  const growing = Array.from({ length: 1_000 }, (_, i): SizePoint => [i * 1_000, i]);
  const sizes = history(growing);
  expect(sizes).toHaveLength(24);
  expect([sizes[0], sizes.at(-1)]).toEqual([growing[0], growing.at(-1)]);
  const gaps = sizes.slice(1).map(([at], i) => at - (sizes[i]?.[0] ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(200_000);
});

it('a clock that was set back makes what was measured by the later time go', () => {
  expect(
    history([
      [1_000, 1],
      [9_000, 2],
      [3_000, 3],
    ]),
  ).toEqual([
    [1_000, 1],
    [3_000, 3],
  ]);
});

it('a history is read back as it was written, to the second', () => {
  const point = fc.tuple(fc.integer({ min: 0, max: 2e9 }), fc.nat({ max: 2 ** 50 }));
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 24 }), (points) => {
      const sizes = points.map(([seconds, bytes]): SizePoint => [seconds * 1_000, bytes]);
      expect(readSizes(writeSizes(sizes))).toEqual(sizes);
    }),
  );
  expect(readSizes('x')).toBeNull();
});
