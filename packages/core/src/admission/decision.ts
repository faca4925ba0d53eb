import type { Need, NeedInput } from './need.ts';
import type { Amount, Bound, Size, Space } from './space.ts';

/** A bound with what is reserved under it. */
export interface ReservedBound extends Bound {
  /** Reserved under it for other requests, and not used yet. */
  readonly reservedBytes: number;
  /** What live instances under it are still expected to add. */
  readonly growthBytes: number;
}

export interface AdmissionInput extends NeedInput {
  readonly space: Space;
  /** Reserved for other requests, and not used yet. */
  readonly reserved: Amount;
  /** What live instances are still expected to add. */
  readonly growth: Size;
  /** What admitted work must leave free. */
  readonly floor: Size;
  /** What else bounds the pool's bytes. */
  readonly bounds: readonly ReservedBound[];
  /** Instances that are there, in flight or ready. */
  readonly instances: number;
  readonly maxInstances: number;
}

/** An amount in which null inodes mean that the filesystem has no limit of them. */
export type Room = Omit<Amount, 'inodes'> & { readonly inodes: number | null };

/** `available − reserved − growth − floor = headroom`, in bytes or in inodes. */
export interface Sum {
  readonly available: number;
  readonly reserved: number;
  readonly growth: number;
  readonly floor: number;
  readonly headroom: number;
}

/** The sum of bytes that leaves the least, of the pool's filesystem and of what else bounds it. */
export interface ByteSum extends Sum {
  /** Null for the pool's own filesystem. */
  readonly bound: Pick<Bound, 'name' | 'unwrittenBytes' | 'isFreedByDeletion'> | null;
}

export interface Decision {
  /** `short` may pass later, `impossible` never. */
  readonly verdict: 'admit' | 'short' | 'impossible';
  /** What is promised to it where it is admitted. */
  readonly need: Amount;
  /** Admitted on an empty pool with less than was measured before, so that it is measured again. */
  readonly isTrial: boolean;
  /** What `need` is the sum of. */
  readonly parts: Omit<Need, 'total'>;
  /** The sum that `need` is held against; null inodes where the filesystem has no limit of them. */
  readonly sum: {
    readonly bytes: ByteSum;
    /** The sums of bytes that leave more. */
    readonly others: readonly ByteSum[];
    readonly inodes: Sum | null;
  };
  readonly headroom: Room;
  readonly shortfall: Amount;
  /** Every figure of the sum, for people. */
  readonly sentence: string;
}
