import type { Size } from './space.ts';

export interface GrowthInput {
  /** What the instance is expected to become: the profile's p95, and what its replicas add. */
  readonly expected: Size;
  /** What it takes now: its last sample, or what its clone allocated. */
  readonly own: Size;
  /** When its lease ends; epoch milliseconds. Null for an instance that has none, or none any more. */
  readonly leaseEndsAt: number | null;
  /** When that lease was granted, renewals aside; null without one, or where it is not known. */
  readonly leasedSince: number | null;
  /** It has, or once had, a lease. One that was released is done: nothing more is expected of it. */
  readonly wasLeased: boolean;
  /** When it was last seen to have become another size, or came up; epoch milliseconds. */
  readonly lastChangedAt: number;
  /** Epoch milliseconds. */
  readonly now: number;
  /** `disk.growth_window`. */
  readonly growthWindowMs: number;
}

/** What a live instance is still expected to add, and until when (epoch milliseconds). */
export interface ExpectedGrowth extends Size {
  readonly endsAt: number;
}

/**
 * What an instance will still grow by: what is expected of it, less what it takes now. That ends with its lease, or
 * once it has not changed for the growth window, whichever is first; then it is nothing. A lease that is granted anew
 * begins the window anew: somebody is about to work in it.
 */
export function growthOf(input: GrowthInput): ExpectedGrowth {
  const { expected, own, leaseEndsAt, leasedSince, wasLeased, lastChangedAt, now, growthWindowMs } = input;
  if (leaseEndsAt === null && wasLeased) return { bytes: 0, inodes: 0, endsAt: now };
  // A change in the future is the work of a clock that was set back. It must not keep the growth alive for longer.
  const quietFrom = Math.min(Math.max(lastChangedAt, leasedSince ?? 0), now);
  const endsAt = Math.min(quietFrom + growthWindowMs, leaseEndsAt ?? Number.POSITIVE_INFINITY);
  if (endsAt <= now) return { bytes: 0, inodes: 0, endsAt };
  return {
    bytes: Math.max(0, Math.ceil(expected.bytes - own.bytes)),
    inodes: Math.max(0, Math.ceil(expected.inodes - own.inodes)),
    endsAt,
  };
}
