import type { Size } from '../admission/space.ts';
import type { Candidate } from './candidate.ts';

/**
 * The room that a deletion makes: the part of its own bytes that is expected back, its inodes, and all that the instance
 * was still to grow by, which nobody has to keep free for it any more.
 */
export function whatItBrings(
  { bytes, inodes, growth }: Pick<Candidate, 'bytes' | 'inodes' | 'growth'>,
  { share = 1 }: { readonly share?: number },
): Size {
  return {
    bytes: Math.floor((bytes ?? 0) * share) + growth.bytes,
    inodes: (inodes ?? 0) + growth.inodes,
  };
}

/** What came back of what a run deleted. */
export interface Reclaimed {
  /** Bytes that were expected back. */
  readonly expected: number;
  /** Bytes by which the free space has grown; less than nothing where others wrote more. */
  readonly came: number;
}

/** A difference smaller than this, or than a tenth, is other work on the disk. */
const NOISE_BYTES = 8_000_000;

/** Whether a deletion is large enough for its space to be told from other work on the disk. */
export function canBeVerified(expected: number): boolean {
  return expected > NOISE_BYTES;
}

/** Whether all came back that was expected, as far as that can be told. */
export function cameWhole({ expected, came }: Reclaimed): boolean {
  return expected - came <= Math.max(NOISE_BYTES, expected / 10);
}

/**
 * The part of their bytes that further deletions are expected to bring, after one was verified. Where less came than was
 * expected, something keeps the space (a snapshot of the whole pool, a process that has the files open), and is likely to
 * keep that of the next ones too: they are expected to bring as little, until a deletion has brought all of its own.
 */
export function shareAfter(reclaimed: Reclaimed): number {
  if (cameWhole(reclaimed)) return 1;
  return Math.max(0, reclaimed.came) / reclaimed.expected;
}

/** An expectation below 1, for people. */
export function describeShare(share: number): string {
  return `deletions are expected to bring ${Math.round(share * 100)} % of their bytes, as the last one did`;
}
