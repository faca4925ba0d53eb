import { byteLevels, inodeLevels, type PressureFigures, poolFloor, type Size, type Space } from '@spica/core';
import type { PoolContext } from '../context.ts';

/** What is free on a pool's own disk, and at what each level begins; null inodes where it has no limit of them. */
export interface DiskFigures {
  readonly bytes: PressureFigures;
  readonly inodes: PressureFigures | null;
}

export function figuresOf(
  { policy, image }: Pick<PoolContext, 'policy' | 'image'>,
  space: Space,
): DiskFigures {
  const inImage = image !== null;
  const floor = poolFloor(policy.disk, space, inImage);
  return {
    // The target is one of free space on the host, as the floor is.
    bytes: byteLevels(inImage ? { targetFreeGb: null } : policy.disk, space.availableBytes, floor.bytes),
    inodes: space.freeInodes === null ? null : inodeLevels(space.freeInodes, floor.inodes),
  };
}

/** What is missing until the disk is no longer low. */
export function missingIn({ bytes, inodes }: DiskFigures): Size {
  const missing = ({ target, free }: PressureFigures) => Math.max(0, Math.ceil(target - free));
  return { bytes: missing(bytes), inodes: inodes ? missing(inodes) : 0 };
}
