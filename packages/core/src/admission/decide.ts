import type { AdmissionInput, ByteSum, Decision, Sum } from './decision.ts';
import { needOf } from './need.ts';
import { describeDecision, describeNever } from './sentence.ts';
import type { Amount } from './space.ts';

/**
 * Admits a request when `available − reserved − growth − floor ≥ need`, for bytes and inodes alike and under each further
 * bound of the bytes, and when with it there would be at most `maxInstances`. Pure: the figures are the caller's, and as fresh as the caller made them.
 */
export function decideAdmission(input: AdmissionInput): Decision {
  const { total: need, ...parts } = needOf(input);
  const { space, reserved, growth, floor } = input;
  const [bytes, ...others] = byteSums(input);
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
    sum: { bytes, others, inodes },
    headroom: { bytes: bytes.headroom, inodes: inodes === null ? null : inodes.headroom, slots },
    shortfall,
  };
  const never = describeNever(input, figures);
  if (never !== null) return { ...figures, verdict: 'impossible', sentence: never };
  const short = shortfall.bytes > 0 || shortfall.inodes > 0 || shortfall.slots > 0;
  return { ...figures, verdict: short ? 'short' : 'admit', sentence: describeDecision(input, figures) };
}

/** What the pool's filesystem and each further bound leave, the least first. */
export function byteSums({
  space,
  reserved,
  growth,
  floor,
  bounds,
}: Pick<AdmissionInput, 'space' | 'reserved' | 'growth' | 'floor' | 'bounds'>): [ByteSum, ...ByteSum[]] {
  const own = sumOf(space.availableBytes, reserved.bytes, growth.bytes, floor.bytes);
  const sums = bounds.map(({ name, isFreedByDeletion, ...bound }): ByteSum => {
    const sum = sumOf(bound.availableBytes, bound.reservedBytes, bound.growthBytes, bound.floorBytes);
    return { ...sum, bound: { name, isFreedByDeletion } };
  });
  const all: [ByteSum, ...ByteSum[]] = [{ ...own, bound: null }, ...sums];
  return all.sort((a, b) => a.headroom - b.headroom);
}

function sumOf(available: number, reserved: number, growth: number, floor: number): Sum {
  return { available, reserved, growth, floor, headroom: available - reserved - growth - floor };
}
