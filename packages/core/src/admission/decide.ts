import { type Need, type NeedInput, needOf } from './need.ts';
import { describeDecision, describeNever } from './sentence.ts';
import type { Amount, Size, Space } from './space.ts';

export interface AdmissionInput extends NeedInput {
  readonly space: Space;
  /** Promised to other requests, and not used yet. */
  readonly reserved: Amount;
  /** What live instances are still expected to add. */
  readonly growth: Size;
  /** What admitted work must leave free. */
  readonly floor: Size;
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

export interface Decision {
  /** `short` may pass later, `impossible` never. */
  readonly verdict: 'admit' | 'short' | 'impossible';
  readonly need: Amount;
  /** What `need` is the sum of. */
  readonly parts: Omit<Need, 'total'>;
  /** The sum that `need` is held against; null inodes where the filesystem has no limit of them. */
  readonly sum: { readonly bytes: Sum; readonly inodes: Sum | null };
  readonly headroom: Room;
  readonly shortfall: Amount;
  /** The most that all promises, this request's included, and all growth may reach together; slots with instances. */
  readonly bounds: Room;
  /** Every figure of the sum, for people. */
  readonly sentence: string;
}

/**
 * Admits a request when `available − reserved − growth − floor ≥ need`, for bytes and inodes alike, and when with it
 * there would be at most `maxInstances`. Pure: the figures are the caller's, and as fresh as the caller made them.
 */
export function decideAdmission(input: AdmissionInput): Decision {
  const { total: need, ...parts } = needOf(input);
  const { space, reserved, growth, floor } = input;
  const bytes = sumOf(space.availableBytes, reserved.bytes, growth.bytes, floor.bytes);
  const inodes =
    space.freeInodes === null ? null : sumOf(space.freeInodes, reserved.inodes, growth.inodes, floor.inodes);
  const slots = input.maxInstances - input.instances - reserved.slots;
  const shortfall: Amount = {
    bytes: Math.max(0, need.bytes - bytes.headroom),
    inodes: inodes === null ? 0 : Math.max(0, need.inodes - inodes.headroom),
    slots: Math.max(0, need.slots - slots),
  };
  const figures = {
    need,
    parts,
    sum: { bytes, inodes },
    headroom: { bytes: bytes.headroom, inodes: inodes === null ? null : inodes.headroom, slots },
    shortfall,
    bounds: {
      bytes: space.availableBytes - floor.bytes,
      inodes: space.freeInodes === null ? null : space.freeInodes - floor.inodes,
      slots: input.maxInstances,
    },
  };
  const never = describeNever(input, figures);
  if (never !== null) return { ...figures, verdict: 'impossible', sentence: never };
  const short = shortfall.bytes > 0 || shortfall.inodes > 0 || shortfall.slots > 0;
  return { ...figures, verdict: short ? 'short' : 'admit', sentence: describeDecision(input, figures) };
}

function sumOf(available: number, reserved: number, growth: number, floor: number): Sum {
  return { available, reserved, growth, floor, headroom: available - reserved - growth - floor };
}
