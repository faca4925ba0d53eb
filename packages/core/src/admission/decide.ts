import type { AdmissionInput, ByteSum, Decision, Room, Sum } from './decision.ts';
import { needOf } from './need.ts';
import { describeDecision, describeNever, isMeasured } from './sentence.ts';
import type { Amount } from './space.ts';

/**
 * Admits a request when `available − reserved − growth − floor ≥ need`, for bytes and inodes alike and under each further
 * bound of the bytes, and when with it there would be at most `maxInstances`. One that is short only by what was measured
 * before is a trial where it asks for one instance of an empty pool: it is promised what there is, or nothing would ever be
 * measured again. Pure: the figures are the caller's, and as fresh as the caller made them.
 */
export function decideAdmission(input: AdmissionInput): Decision {
  const { total: need, ...parts } = needOf(input);
  const { space, reserved, growth, floor } = input;
  const [bytes, ...others] = byteSums(input);
  const inodes =
    space.freeInodes === null ? null : sumOf(space.freeInodes, reserved.inodes, growth.inodes, floor.inodes);
  const slots = input.maxInstances - input.instances - reserved.slots;
  const headroom = { bytes: bytes.headroom, inodes: inodes === null ? null : inodes.headroom, slots };
  const shortfall: Amount = {
    bytes: Math.max(0, need.bytes - bytes.headroom),
    inodes: inodes === null ? 0 : Math.max(0, need.inodes - inodes.headroom),
    slots: Math.max(0, need.slots - slots),
  };
  const isShort = shortfall.bytes > 0 || shortfall.inodes > 0 || shortfall.slots > 0;
  const isTrial = isShort && mayTry(input, headroom);
  const figures = { need, isTrial, parts, sum: { bytes, others, inodes }, headroom, shortfall };
  const never = describeNever(input, figures);
  if (never !== null) return { ...figures, isTrial: false, verdict: 'impossible', sentence: never };
  const sentence = describeDecision(input, figures);
  if (isTrial) return { ...figures, ...promiseWhatThereIs(figures), verdict: 'admit', sentence };
  return { ...figures, verdict: isShort ? 'short' : 'admit', sentence };
}

/** Whether a request may be tried though less is there than instances took before: at least what is certain has to fit. */
function mayTry(input: AdmissionInput, { bytes, inodes, slots }: Room): boolean {
  const { count, instances, reserved, certain } = input;
  const isAlone = count === 1 && instances === 0 && reserved.slots === 0;
  const hasRoom = certain.bytes <= bytes && (inodes === null || certain.inodes <= inodes) && slots >= 1;
  return isMeasured(input) && isAlone && hasRoom;
}

/** A trial's one instance gets all that the floor leaves. */
function promiseWhatThereIs({
  need,
  parts,
  headroom,
}: Pick<Decision, 'need' | 'parts' | 'headroom'>): Pick<Decision, 'need' | 'parts'> {
  const bytes = Math.min(need.bytes, headroom.bytes);
  const inodes = Math.min(need.inodes, headroom.inodes ?? need.inodes);
  return { need: { ...need, bytes, inodes }, parts: { ...parts, perInstance: { bytes, inodes } } };
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
  const sums = bounds.map(({ name, unwrittenBytes, isFreedByDeletion, ...bound }): ByteSum => {
    const sum = sumOf(bound.availableBytes, bound.reservedBytes, bound.growthBytes, bound.floorBytes);
    return { ...sum, bound: { name, unwrittenBytes, isFreedByDeletion } };
  });
  const all: [ByteSum, ...ByteSum[]] = [{ ...own, bound: null }, ...sums];
  return all.sort((a, b) => a.headroom - b.headroom);
}

function sumOf(available: number, reserved: number, growth: number, floor: number): Sum {
  return { available, reserved, growth, floor, headroom: available - reserved - growth - floor };
}
