import { describe, expect, it } from 'vitest';
import { ballastOf, floorOf } from '../../src/index.ts';

describe('floorOf', () => {
  const disk = { minFreeSpaceGb: 1.5, minFreeInodesPercent: 5 };
  it('is in decimal GB and a share of all inodes', () => {
    expect(floorOf(disk, 1_001)).toEqual({ bytes: 1_500_000_000, inodes: 51 });
  });
  it('asks for no inodes where the filesystem has no limit of them', () => {
    expect(floorOf(disk, null).inodes).toBe(0);
  });
});

describe('ballastOf', () => {
  it('is what was set, and at most a hundredth of the disk', () => {
    expect(ballastOf({ ballastMb: 64 }, 100e9)).toBe(64e6);
    expect(ballastOf({ ballastMb: 64 }, 120e6)).toBe(1.2e6);
    expect(ballastOf({ ballastMb: 0 }, 100e9)).toBe(0);
  });
});
