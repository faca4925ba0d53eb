import { expect, it } from 'vitest';
import { formatAge } from '../../src/output/age.ts';

it.each([
  [-5, '0s'],
  [999, '0s'],
  [45_999, '45s'],
  [725_000, '12m5s'],
  [7_384_000, '2h3m'],
  [183_600_000, '2d3h'],
])('says an age of %d ms as %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});
