import { expect, test } from 'vitest';
import { splitAtTime } from '../../../src/views/overview/split-at-time.ts';

test.each([
  ['Safe: 41 GB above the floor', ['Safe: 41 GB above the floor', null]],
  [
    'Two wait: 4 GB short until 14:40 UTC, when 2 leases end',
    ['Two wait: 4 GB short until ', ', when 2 leases end'],
  ],
  ['One waits until 2026-11-30 20:52 UTC', ['One waits until ', '']],
])('%s', (sentence, parts) => {
  expect(splitAtTime(sentence)).toEqual(parts);
});
