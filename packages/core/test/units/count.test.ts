import { expect, it } from 'vitest';
import { countOf } from '../../src/index.ts';

it('puts a noun in the singular for 1 alone', () => {
  expect([0, 1, 2, 0.5].map((days) => countOf(days, 'day'))).toEqual([
    '0 days',
    '1 day',
    '2 days',
    '0.5 days',
  ]);
  expect([countOf(1, 'entry', 'entries'), countOf(3, 'entry', 'entries')]).toEqual(['1 entry', '3 entries']);
  expect(countOf(1, 'request is', 'requests are')).toBe('1 request is');
});
