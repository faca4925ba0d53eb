import { decideAdmission } from '../admission/decide.ts';
import type { Decision, ReservedBound } from '../admission/decision.ts';
import type { NeedInput } from '../admission/need.ts';
import type { Bound, Size, Space } from '../admission/space.ts';
import type { LedgerSums } from './ledger.ts';

/** A bound as it was just read, and the ledger's `landed` under it from before that. */
export interface BoundReading extends Bound {
  readonly id: string;
  readonly landedBytes: number;
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

/** The bounds as they are now, each with what is reserved under it. */
export function boundsNow(bounds: readonly BoundReading[], ledger: LedgerSums): ReservedBound[] {
  return bounds.map(({ id, landedBytes: before, ...bound }) => {
    const sums = ledger.bounds[id] ?? { reservedBytes: 0, growthBytes: 0, landedBytes: before };
    const { landedBytes, ...reserved } = sums;
    return { ...bound, ...reserved, availableBytes: bound.availableBytes - (landedBytes - before) };
  });
}

/** The disk as it is now: what landed since it was read is there, and not in the reading. */
export function minusLanded(space: Space, before: Size, { landed }: LedgerSums): Space {
  const bytes = landed.bytes - before.bytes;
  const inodes = landed.inodes - before.inodes;
  return {
    ...space,
    availableBytes: space.availableBytes - bytes,
    freeInodes: space.freeInodes === null ? null : space.freeInodes - inodes,
  };
}
