import { expect, it } from 'vitest';
import { isoTime } from '../../src/index.ts';

it.each([
  [0, '1970-01-01T00:00:00.000Z'],
  [1_790_000_000_123, '2026-09-21T14:13:20.123Z'],
  [8.64e15, '+275760-09-13T00:00:00.000Z'],
  [9.1e15, '+275760-09-13T00:00:00.000Z'],
  [Number.POSITIVE_INFINITY, '+275760-09-13T00:00:00.000Z'],
  [-9.1e15, '-271821-04-20T00:00:00.000Z'],
  [Number.NaN, 'unknown'],
])('says %d as %s, and never throws', (at, text) => {
  expect(isoTime(at)).toBe(text);
});
