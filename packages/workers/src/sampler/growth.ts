import { type ExpectedGrowth, growthOf, type InstanceRecord, ownSizeOf } from '@spica/core';
import type { PoolContext } from '../context.ts';
import { growthUnderCap } from '../image/caps.ts';

const NOTHING = { bytes: 0, inodes: 0 };

/** What an instance is still expected to add, and until when: by its last sample, else by what its clone took. */
export function growthAfter(
  { policy, clockGuard }: Pick<PoolContext, 'policy' | 'clockGuard'>,
  { predicted, lease, lastLeasedAt, sample, spawnedAt, cloned }: InstanceRecord,
): ExpectedGrowth {
  const now = clockGuard.now();
  if (!predicted) return { ...NOTHING, endsAt: now };
  return growthOf({
    expected: predicted,
    own: sample ? ownSizeOf(sample) : (cloned ?? NOTHING),
    leaseEndsAt: lease?.expiresAt ?? null,
    leasedSince: lease?.since ?? null,
    wasLeased: lastLeasedAt !== null,
    lastChangedAt: sample?.changedAt ?? spawnedAt ?? now,
    now,
    growthWindowMs: policy.disk.growthWindowMs,
  });
}

/** What the gate counts as still to come: what a cap lets an instance write, else what it is expected to. */
export function countedGrowth(
  ctx: Pick<PoolContext, 'policy' | 'clockGuard' | 'isCharged'>,
  record: InstanceRecord,
): ExpectedGrowth {
  return growthUnderCap(ctx, record) ?? growthAfter(ctx, record);
}
