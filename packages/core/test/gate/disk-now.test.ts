import { expect, it } from 'vitest';
import { decide, diskAtBest } from '../../src/index.ts';
import { facts, need, sums } from './facts.ts';

const HOST = {
  id: 'host',
  name: 'on /srv, where the image lies',
  availableBytes: 100,
  unwrittenBytes: 60,
  totalBytes: 1_000,
  floorBytes: 20,
  isFreedByDeletion: true,
  landedBytes: 10,
  countedTwiceBytes: 40,
};

/** What is missing as it stands, and what if nothing counts twice, for a need on a disk with so much on its own filesystem. */
function shortfalls(
  bytes: number,
  { own = 1_000, host = {} }: { own?: number; host?: Partial<typeof HOST> },
) {
  const space = { availableBytes: own, totalBytes: 1_000, freeInodes: null, totalInodes: null };
  const before = facts({ space, landed: { bytes: 10, inodes: 0 }, bounds: [{ ...HOST, ...host }] });
  const floor = { bytes: 20, inodes: 0 };
  const ledger = {
    ...sums(),
    landed: { bytes: 15, inodes: 0 },
    bounds: { host: { reservedBytes: 0, growthBytes: 0, landedBytes: 15 } },
  };
  const input = need(bytes);
  return [
    { ...before, floor },
    { ...diskAtBest(before, ledger), floor },
  ].map((disk) => decide(input, disk, ledger).shortfall.bytes);
}

it('at best, what a bound counts twice is there, on that disk alone, and what landed was read already', () => {
  // 100 − 5 that landed − 20 floor = 75; at best 100 + 40 − 20 = 120.
  expect(shortfalls(100, {})).toEqual([25, 0]);
  expect(shortfalls(130, {})).toEqual([55, 10]);
  // The filesystem of its own: 95 − 5 − 20 = 70; at best 75, whatever counts twice elsewhere.
  expect(shortfalls(100, { own: 95, host: { availableBytes: 900 } })).toEqual([30, 25]);
});
