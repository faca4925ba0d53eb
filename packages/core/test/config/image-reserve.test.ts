import { expect, it } from 'vitest';
import { poolFloor } from '../../src/index.ts';

const disk = { minFreeSpaceGb: 20, minFreeInodesPercent: 5 };

it.each([
  [200e9, 4e9],
  [5e9, 256e6],
  [2e9, 200e6],
])('keeps of an image of %d bytes %d for its btrfs', (totalBytes, bytes) => {
  expect(poolFloor(disk, { totalBytes, totalInodes: null }, true)).toEqual({ bytes, inodes: 0 });
});

it('has the floor of the settings where a pool is in no image', () => {
  expect(poolFloor(disk, { totalBytes: 5e9, totalInodes: 1_000 }, false)).toEqual({
    bytes: 20e9,
    inodes: 50,
  });
});
