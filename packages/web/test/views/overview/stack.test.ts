import { expect, test } from 'vitest';
import type { DiskHistory, DiskPoint } from '../../../src/api/views.ts';
import { PARTS, partsOf, stackHistory } from '../../../src/views/overview/disk/stack.ts';

/** A disk of 100 GB of which 40 are free, 10 of them promised. */
const POINT: DiskPoint = {
  at: '2026-01-01T00:00:00.000Z',
  availableBytes: 40e9,
  instancesBytes: 30e9,
  growthBytes: 6e9,
  reservedBytes: 4e9,
  trashBytes: 5e9,
  templatesBytes: 10e9,
  othersBytes: 15e9,
  hostAvailableBytes: null,
};
const LATER = { ...POINT, at: '2026-01-01T00:01:00.000Z' };
const HISTORY: DiskHistory = {
  points: [POINT, LATER],
  marks: [],
  forecast: {
    trend: 'filling',
    untilFloorMs: 1,
    soonestMs: 1,
    latestMs: 1,
    bytesPerHour: 1,
    sentence: '',
    band: [
      { at: '2026-01-01T00:00:30.000Z', lowBytes: 1e9, highBytes: 2e9 },
      { at: '2026-01-01T00:02:00.000Z', lowBytes: 20e9, highBytes: 35e9 },
    ],
  },
  floorBytes: 20e9,
  targetBytes: 30e9,
};

test('the parts sum up to the disk, with what is promised as a part of what is free', () => {
  const parts = partsOf(POINT);
  expect(Object.values(parts).reduce((sum, each) => sum + each)).toBe(100e9);
  expect(parts).toMatchObject({ growth: 6e9, reserved: 4e9, free: 30e9 });
});

test('what is promised beyond what is free does not make the disk larger', () => {
  const parts = partsOf({ ...POINT, availableBytes: 8e9 });
  expect(parts).toMatchObject({ growth: 6e9, reserved: 2e9, free: 0 });
  expect(partsOf({ ...POINT, availableBytes: 3e9 })).toMatchObject({ growth: 3e9, reserved: 0, free: 0 });
});

test('the floor is as far below the brim as has to stay free, and the forecast goes on from what is used now', () => {
  const { at, tops, floor, target, low, high } = stackHistory(HISTORY, new Set());
  expect(at).toHaveLength(3); // the forecast's point from before the last one is past
  expect(PARTS.map((part) => tops[part][0])).toEqual([15e9, 25e9, 30e9, 60e9, 66e9, 70e9, 100e9]);
  expect(tops.free[2]).toBeNull();
  expect([floor[0], target[0]]).toEqual([80e9, 70e9]);
  expect(low).toEqual([null, 60e9, 65e9]);
  expect(high).toEqual([null, 60e9, 80e9]);
});

test('without a part, what is above it comes down, and the limits with it', () => {
  const { tops, floor, low } = stackHistory(HISTORY, new Set(['others']));
  expect(tops.others).toEqual([null, null, null]);
  expect([tops.instances[0], tops.free[0]]).toEqual([45e9, 85e9]);
  expect([floor[0], low[1]]).toEqual([65e9, 45e9]);
  const withoutFree = stackHistory(HISTORY, new Set(['free', 'growth']));
  expect([withoutFree.tops.reserved[0], withoutFree.floor[0]]).toEqual([64e9, 80e9]);
});
