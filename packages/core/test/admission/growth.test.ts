import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type GrowthInput, growthOf } from '../../src/index.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;

function input(change: Partial<GrowthInput> = {}): GrowthInput {
  return {
    expected: { bytes: 5e9, inodes: 3_000 },
    own: { bytes: 1.5e9, inodes: 3_400 },
    leaseEndsAt: NOW + HOUR,
    leasedSince: null,
    wasLeased: true,
    lastChangedAt: NOW - HOUR,
    now: NOW,
    growthWindowMs: 6 * HOUR,
    ...change,
  };
}

it('is what is expected less what is there, never less than nothing', () => {
  expect(growthOf(input())).toEqual({ bytes: 3.5e9, inodes: 0, endsAt: NOW + HOUR });
});

it('ends with the lease', () => {
  expect(growthOf(input({ leaseEndsAt: NOW }))).toEqual({ bytes: 0, inodes: 0, endsAt: NOW });
});

it('ends with the release of the lease, whatever the clock does then', () => {
  const released = { leaseEndsAt: null, lastChangedAt: NOW + 24 * HOUR };
  expect(growthOf(input(released))).toEqual({ bytes: 0, inodes: 0, endsAt: NOW });
});

it('ends after the growth window without change, under a longer lease and without any', () => {
  const quiet = { lastChangedAt: NOW - 6 * HOUR };
  expect(growthOf(input({ ...quiet, leaseEndsAt: NOW + 24 * HOUR })).bytes).toBe(0);
  expect(growthOf(input({ ...quiet, leaseEndsAt: null, wasLeased: false })).bytes).toBe(0);
  expect(growthOf(input({ leaseEndsAt: null, wasLeased: false }))).toMatchObject({
    bytes: 3.5e9,
    endsAt: NOW + 5 * HOUR,
  });
});

it('is not kept alive by a change in the future, after a clock was set back', () => {
  const later = input({ lastChangedAt: NOW + 24 * HOUR, leaseEndsAt: null, wasLeased: false });
  expect(growthOf(later).endsAt).toBe(NOW + 6 * HOUR);
});

it('never counts for less than the instance may still take, while it lasts', () => {
  const bytes = fc.integer({ min: 0, max: 10e9 });
  fc.assert(
    fc.property(bytes, bytes, fc.integer({ min: -10, max: 10 }), (expected, own, hours) => {
      const lastChangedAt = NOW + hours * HOUR;
      const growth = growthOf(
        input({ expected: { bytes: expected, inodes: 0 }, own: { bytes: own, inodes: 0 }, lastChangedAt }),
      );
      if (growth.endsAt > NOW) expect(own + growth.bytes).toBe(Math.max(own, expected));
      else expect(growth.bytes).toBe(0);
    }),
  );
});

it('comes back with a lease that is granted again, however long the instance was quiet', () => {
  const quiet = { lastChangedAt: NOW - 50 * HOUR, leaseEndsAt: NOW + 24 * HOUR };
  expect(growthOf(input(quiet)).bytes).toBe(0);
  expect(growthOf(input({ ...quiet, leasedSince: NOW - HOUR }))).toMatchObject({
    bytes: 3.5e9,
    endsAt: NOW + 5 * HOUR,
  });
});
