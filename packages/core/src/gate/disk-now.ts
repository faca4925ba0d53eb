import { byteSums, decideAdmission } from '../admission/decide.ts';
import type { ByteSum, Decision, ReservedBound } from '../admission/decision.ts';
import type { NeedInput } from '../admission/need.ts';
import type { Bound, Size, Space } from '../admission/space.ts';
import type { LedgerSums } from './ledger.ts';

/** A bound as it was just read, and the ledger's `landed` under it from before that. */
export interface BoundReading extends Bound {
  readonly id: string;
  readonly landedBytes: number;
  /** Of what was taken off its available bytes: what may be counted as growth, too. */
  readonly countedTwiceBytes: number;
}

/** The disk as it was just read: what was waited for before a step is taken at one moment. */
export interface DiskFacts {
  readonly space: Space;
  /** The ledger's `landed` from before the disk was read. */
  readonly landed: Size;
  /** What admitted work must leave free. */
  readonly floor: Size;
  /** What else bounds the pool's bytes. */
  readonly bounds: readonly BoundReading[];
}

/** The sum for a need as things stand, whatever else may hold its request. */
export function decide(
  need: NeedInput,
  { terms, ...disk }: DiskFacts & { readonly terms: { readonly maxInstances: number } },
  ledger: LedgerSums,
): Decision {
  const { reserved, growth, instances } = ledger;
  return decideAdmission({
    ...need,
    space: minusLanded(disk.space, disk.landed, ledger),
    reserved,
    growth,
    floor: disk.floor,
    bounds: boundsNow(disk.bounds, ledger),
    instances,
    maxInstances: terms.maxInstances,
  });
}

/** What a need may take as things stand: the sum of bytes that leaves the least, and inodes (null for no limit of them). */
export interface RoomNow {
  readonly sum: ByteSum;
  readonly bounds: readonly ReservedBound[];
  readonly inodes: number | null;
}

export function roomNow(disk: DiskFacts, ledger: LedgerSums): RoomNow {
  const { reserved, growth } = ledger;
  const { floor } = disk;
  const space = minusLanded(disk.space, disk.landed, ledger);
  const bounds = boundsNow(disk.bounds, ledger);
  const [sum] = byteSums({ space, reserved, growth, floor, bounds });
  const { freeInodes } = space;
  const inodes = freeInodes === null ? null : freeInodes - reserved.inodes - growth.inodes - floor.inodes;
  return { sum, bounds, inodes };
}

/** What of a need that room does not have. */
export function missingOf(need: Size, { sum, inodes }: Omit<RoomNow, 'bounds'>): Size {
  return {
    bytes: Math.max(0, need.bytes - sum.headroom),
    inodes: inodes === null ? 0 : Math.max(0, need.inodes - inodes),
  };
}

/** The bounds as they are now, each with what is reserved under it. */
function boundsNow(bounds: readonly BoundReading[], ledger: LedgerSums): ReservedBound[] {
  return bounds.map(({ id, landedBytes: before, countedTwiceBytes: _, ...bound }) => {
    const sums = ledger.bounds[id] ?? { reservedBytes: 0, growthBytes: 0, landedBytes: before };
    const { landedBytes, ...reserved } = sums;
    return { ...bound, ...reserved, availableBytes: bound.availableBytes - (landedBytes - before) };
  });
}

/** The disk as it is now: what landed since it was read may be there, and not in the reading. */
function minusLanded(space: Space, before: Size, { landed }: LedgerSums): Space {
  const bytes = landed.bytes - before.bytes;
  const inodes = landed.inodes - before.inodes;
  return {
    ...space,
    availableBytes: space.availableBytes - bytes,
    freeInodes: space.freeInodes === null ? null : space.freeInodes - inodes,
  };
}

/** The disk if nothing counts twice: what landed was read already, and what is taken off a bound is not expected, too. */
export function diskAtBest<T extends DiskFacts>(disk: T, { landed, bounds }: LedgerSums): T {
  return {
    ...disk,
    landed,
    bounds: disk.bounds.map((bound) => ({
      ...bound,
      availableBytes: bound.availableBytes + bound.countedTwiceBytes,
      landedBytes: bounds[bound.id]?.landedBytes ?? bound.landedBytes,
    })),
  };
}

/** Whether anything came onto the disk, or may have, since it was read: `landed` is the ledger's of now. */
export function hasLanded(disk: Pick<DiskFacts, 'landed'>, landed: Size): boolean {
  return landed.bytes !== disk.landed.bytes || landed.inodes !== disk.landed.inodes;
}
