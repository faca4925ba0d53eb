import { describe, expect, it } from 'vitest';
import { floorOf } from '../../src/index.ts';

describe('floorOf', () => {
  const disk = { minFreeSpaceGb: 1.5, minFreeInodesPercent: 5 };
  it('is in decimal GB and a share of all inodes', () => {
    expect(floorOf(disk, 1_001)).toEqual({ bytes: 1_500_000_000, inodes: 51 });
  });
  it('asks for no inodes where the filesystem has no limit of them', () => {
    expect(floorOf(disk, null).inodes).toBe(0);
  });
});
