import type { Growth } from '@spica/catalog';
import { growthOf, type InstanceRecord, type Size } from '@spica/core';
import type { PoolContext } from '../context.ts';

/**
 * What an instance is still expected to add, and until when. `cloned` is what its clone took, for one that was not
 * measured yet.
 */
export function growthAfter(
  { policy, clockGuard }: Pick<PoolContext, 'policy' | 'clockGuard'>,
  { predicted, lease, sample, spawnedAt }: InstanceRecord,
  cloned: Size = { bytes: 0, inodes: 0 },
): Growth {
  const now = clockGuard.now();
  if (!predicted) return { bytes: 0, inodes: 0, endsAt: now };
  return growthOf({
    expected: predicted,
    own: sample ? { bytes: sample.ownBytes, inodes: sample.inodes } : cloned,
    leaseEndsAt: lease?.expiresAt ?? null,
    lastChangedAt: sample?.changedAt ?? spawnedAt ?? now,
    now,
    growthWindowMs: policy.disk.growthWindowMs,
  });
}
