import { describeBytes, describeTooSmall } from '../admission/sentence.ts';
import type { Amount, Size } from '../admission/space.ts';
import { formatBytes } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import { type DiskFacts, missingOf, roomNow } from './disk-now.ts';
import type { LedgerSums } from './ledger.ts';

/** What is missing for a template's snapshot. `never`: the disk could not hold it if it were empty. */
export interface PreparationShort {
  readonly never: boolean;
  readonly shortfall: Amount;
  readonly reason: string;
  /** Deletions in the pool bring back what is missing. */
  readonly comesBack: boolean;
}

/** Whether there is room for a template's snapshot of so much; null where there is. */
export function preparationShort(size: Size, facts: DiskFacts, ledger: LedgerSums): PreparationShort | null {
  const { totalBytes, totalInodes } = facts.space;
  const { floor } = facts;
  const room = roomNow(facts, ledger);
  const { sum, bounds } = room;
  const what = `its snapshot takes ${formatBytes(size.bytes)} and ${countOf(size.inodes, 'inode')}`;
  if (
    size.bytes > totalBytes - floor.bytes ||
    (totalInodes !== null && size.inodes > totalInodes - floor.inodes)
  ) {
    const disk = `the disk has ${formatBytes(totalBytes)}, of which ${formatBytes(floor.bytes)} are the floor`;
    return {
      never: true,
      shortfall: { ...size, slots: 0 },
      reason: `${what}; ${disk}: can never fit`,
      comesBack: false,
    };
  }
  const tooSmall = bounds.find((bound) => size.bytes > (bound.totalBytes ?? Infinity) - bound.floorBytes);
  if (tooSmall) {
    const reason = `${what}; ${describeTooSmall(tooSmall)}: can never fit`;
    return { never: true, shortfall: { ...size, slots: 0 }, reason, comesBack: false };
  }
  const { bytes, inodes } = missingOf(size, room);
  if (bytes === 0 && inodes === 0) return null;
  const missing = bytes > 0 ? formatBytes(bytes) : countOf(inodes, 'inode');
  return {
    never: false,
    shortfall: { bytes, inodes, slots: 0 },
    reason: `no room: ${what}; ${describeBytes(sum)}: ${missing} short`,
    comesBack: bytes === 0 || (sum.bound?.isFreedByDeletion ?? true),
  };
}
