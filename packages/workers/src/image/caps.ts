import { type ExpectedGrowth, type InstanceRecord, ownBytes, type PoolConfig, type Size } from '@spica/core';
import type { PoolContext } from '../context.ts';

/** What a clone writes itself (its own files, and the nodes of the tree that lead to them) must fit under its cap. */
const LEAST_CAP_BYTES = 4 * 2 ** 20;

type CapTerms = Pick<PoolContext, 'isCharged' | 'policy'>;

/** Whether each instance is capped at what was reserved for it. */
export function capsReservations({ isCharged, policy }: CapTerms): boolean {
  return isCharged && policy.disk.cap === 'reservation';
}

/** What an instance needs so that it can be capped at that. */
export function atLeastCap(ctx: CapTerms, size: Size): Size {
  return capsReservations(ctx) ? { ...size, bytes: Math.max(size.bytes, LEAST_CAP_BYTES) } : size;
}

/** What a new instance is capped at, of which so much was reserved; null for no cap. */
export function capFor(ctx: CapTerms, reserved: Size): number | null {
  const most = maxBytesOf(ctx.policy);
  if (!capsReservations(ctx)) return most;
  return most === null ? reserved.bytes : Math.min(reserved.bytes, Math.max(most, LEAST_CAP_BYTES));
}

function maxBytesOf({ disk }: PoolConfig): number | null {
  return disk.maxInstanceGb === null ? null : Math.round(disk.maxInstanceGb * 1e9);
}

/**
 * What an instance that is capped at its reservation may still write, at any time and whatever is expected of it; null for
 * one that is expected to grow as others do.
 */
export function growthUnderCap(
  ctx: CapTerms,
  { sample, predicted, cloneMethod }: InstanceRecord,
): ExpectedGrowth | null {
  if (!capsReservations(ctx)) return null;
  // Until it was measured, its cap is what was reserved for it.
  const cap = sample
    ? (sample.capBytes ?? null)
    : cloneMethod === 'snapshot'
      ? (predicted?.bytes ?? null)
      : null;
  if (cap === null) return null;
  const bytes = Math.max(0, cap - (ownBytes({ sample }) ?? 0));
  return { bytes, inodes: 0, endsAt: Number.POSITIVE_INFINITY };
}
