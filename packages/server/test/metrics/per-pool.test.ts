import { expect, it } from 'vitest';
import type { PoolFigures } from '../../src/figures.ts';
import { POOL_GAUGES } from '../../src/metrics/per-pool.ts';

const GB = 1e9;

/** What the gauge of that name says of a pool with so much left in the image, and (null: no image) on its disk. */
function binds(inImageGb: number, onDiskGb: number | null): number | null | undefined {
  const spaceOf = (gb: number) => ({ availableBytes: gb * GB, totalBytes: 100 * GB });
  const disk = {
    space: spaceOf(inImageGb),
    floor: { bytes: 1 * GB, inodes: 0 },
    imageHost:
      onDiskGb === null ? null : { space: spaceOf(onDiskGb), floorBytes: 20 * GB, unwrittenBytes: 5 * GB },
  };
  const gauge = POOL_GAUGES.find(({ name }) => name === 'spica_image_disk_binds');
  return gauge?.read({ disk } as unknown as PoolFigures, 0);
}

it('says whether the disk under an image leaves less above its floor than the image', () => {
  expect([binds(30, 40), binds(18, 40), binds(10, 40)]).toEqual([1, 1, 0]); // 15 GB that the disk leaves
  expect(binds(30, null)).toBeNull();
});
