import { formatBytes } from '../units/bytes.ts';
import type { Amount, Space } from './space.ts';

/** What the need per instance was reckoned from. */
export type AdmissionBasis = { readonly from: 'snapshot' } | { readonly from: 'samples'; readonly n: number };

export interface AdmissionInput {
  /** Instances asked for. */
  readonly count: number;
  readonly perInstance: { readonly bytes: number; readonly inodes: number };
  readonly basis: AdmissionBasis;
  readonly safetyFactor: number;
  readonly space: Space;
  /** Promised to other requests, and not used yet. */
  readonly reserved: Amount;
  /** What live instances are still expected to add. */
  readonly growth: { readonly bytes: number; readonly inodes: number };
  readonly floor: { readonly bytes: number; readonly inodes: number };
  /** Instances that are there, in flight or ready. */
  readonly instances: number;
  readonly maxInstances: number;
}

/** An amount in which null inodes mean that the filesystem has no limit of them. */
export type Room = Omit<Amount, 'inodes'> & { readonly inodes: number | null };

export interface Decision {
  /** `short` may pass later, `impossible` never. */
  readonly verdict: 'admit' | 'short' | 'impossible';
  readonly need: Amount;
  readonly headroom: Room;
  readonly shortfall: Amount;
  /** The most that all promises together, this request's included, may reach. */
  readonly bounds: Room;
  /** Every figure of the sum, for people. */
  readonly sentence: string;
}

/**
 * Admits a request when `available − reserved − growth − floor ≥ need`, for bytes and inodes alike, and when with it
 * there would be at most `maxInstances`. Pure: the figures are the caller's, and as fresh as the caller made them.
 */
export function decideAdmission(input: AdmissionInput): Decision {
  const need = needOf(input);
  const { space, reserved, growth, floor } = input;
  const bounds: Room = {
    bytes: space.availableBytes - growth.bytes - floor.bytes,
    inodes: space.freeInodes === null ? null : space.freeInodes - growth.inodes - floor.inodes,
    slots: input.maxInstances - input.instances,
  };
  const headroom: Room = {
    bytes: bounds.bytes - reserved.bytes,
    inodes: bounds.inodes === null ? null : bounds.inodes - reserved.inodes,
    slots: bounds.slots - reserved.slots,
  };
  const shortfall: Amount = {
    bytes: Math.max(0, need.bytes - headroom.bytes),
    inodes: headroom.inodes === null ? 0 : Math.max(0, need.inodes - headroom.inodes),
    slots: Math.max(0, need.slots - headroom.slots),
  };
  const never = neverFits(input, need);
  const short = shortfall.bytes > 0 || shortfall.inodes > 0 || shortfall.slots > 0;
  const verdict = never ? 'impossible' : short ? 'short' : 'admit';
  const sentence = never ?? `${sumOf(input, need, headroom)}: ${outcomeOf(input, need, headroom, shortfall)}`;
  return { verdict, need, headroom, shortfall, bounds, sentence };
}

function needOf({ count, perInstance, safetyFactor }: AdmissionInput): Amount {
  return {
    bytes: count * Math.ceil(perInstance.bytes * safetyFactor),
    inodes: count * Math.ceil(perInstance.inodes * safetyFactor),
    slots: count,
  };
}

function neverFits(input: AdmissionInput, need: Amount): string | null {
  const { space, floor, count, maxInstances } = input;
  if (count > maxInstances)
    return `asks for ${count} instances; max_instances is ${maxInstances}: can never fit`;
  if (need.bytes > space.totalBytes - floor.bytes) {
    return (
      `needs ${formatBytes(need.bytes)} (${perInstanceOf(input)}); the disk has ${formatBytes(space.totalBytes)}, ` +
      `of which ${formatBytes(floor.bytes)} are the floor: can never fit`
    );
  }
  if (space.totalInodes !== null && need.inodes > space.totalInodes - floor.inodes) {
    return (
      `needs ${need.inodes} inodes; the disk has ${space.totalInodes}, of which ${floor.inodes} are the floor: ` +
      'can never fit'
    );
  }
  return null;
}

function perInstanceOf({ count, perInstance, basis, safetyFactor }: AdmissionInput): string {
  const from = basis.from === 'samples' ? `p95 of ${basis.n} samples` : "the prepared snapshot's size";
  return `${count} × ${formatBytes(perInstance.bytes)}, ${from}, × ${safetyFactor} for safety`;
}

function sumOf(input: AdmissionInput, need: Amount, headroom: Room): string {
  const { space, reserved, growth, floor } = input;
  return (
    `needs ${formatBytes(need.bytes)} (${perInstanceOf(input)}); ${formatBytes(space.availableBytes)} available ` +
    `− ${formatBytes(reserved.bytes)} reserved − ${formatBytes(growth.bytes)} growth − ${formatBytes(floor.bytes)} floor ` +
    `= ${formatBytes(headroom.bytes)}`
  );
}

function outcomeOf(input: AdmissionInput, need: Amount, headroom: Room, shortfall: Amount): string {
  const short: string[] = [];
  if (shortfall.bytes > 0) short.push(`${formatBytes(shortfall.bytes)} short`);
  if (shortfall.inodes > 0) {
    short.push(
      `${shortfall.inodes} inodes short (needs ${need.inodes}, ${headroom.inodes} free above the floor)`,
    );
  }
  if (shortfall.slots > 0) {
    short.push(
      `${shortfall.slots} instances too many (${input.instances} there + ${input.reserved.slots} reserved + ` +
        `${need.slots} asked for, max_instances is ${input.maxInstances})`,
    );
  }
  return short.length > 0 ? short.join(', ') : 'admitted';
}
