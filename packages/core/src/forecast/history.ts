import type { Space } from '../admission/space.ts';

/** Who uses the disk at one time. All in bytes. */
export interface DiskUse {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly availableBytes: number;
  readonly instancesBytes: number;
  readonly trashBytes: number;
  readonly templatesBytes: number;
  /** Whatever Spica does not know, with what the filesystem keeps for itself. */
  readonly othersBytes: number;
}

/** The disk at one time, with what of the available is spoken for. */
export interface DiskPoint extends DiskUse {
  /** What instances were still expected to add. */
  readonly growthBytes: number;
  /** What was promised to requests. */
  readonly reservedBytes: number;
  /** Available on the disk that the pool's image lies on; null where there is none, or it could not be read. */
  readonly hostAvailableBytes: number | null;
}

/** How long the past is remembered. */
export const REMEMBERED_MS = 30 * 24 * 3_600_000;
/** A point goes when those beside it are so close, as a share of its age: the newest are dense, the oldest sparse. */
const SPACING_SHARE = 1 / 40;
/** The same for the newest of all. */
const LEAST_SPACING_MS = 1_000;
/** The oldest are no further apart: what an hour was like a week ago nobody looks at, but a day shows its course. */
const MOST_SPACING_MS = 3 * 3_600_000;

/** Splits what is in use; `own` is what Spica knows of its own. */
export function splitUse(
  at: number,
  { totalBytes, availableBytes }: Pick<Space, 'totalBytes' | 'availableBytes'>,
  own: Pick<DiskUse, 'instancesBytes' | 'trashBytes' | 'templatesBytes'>,
): DiskUse {
  const known = own.instancesBytes + own.trashBytes + own.templatesBytes;
  return { at, availableBytes, ...own, othersBytes: Math.max(0, totalBytes - availableBytes - known) };
}

/**
 * The history with one point more, oldest first, thinned: a month of it takes some 700 points, a day of that 400, however
 * often the disk is looked at. Points that lie in the future of the newest are the work of a clock that was set back, and go.
 */
export function rememberPoint<T extends { readonly at: number }>(history: readonly T[], point: T): T[] {
  const past = history.filter(({ at }) => at < point.at && at >= point.at - REMEMBERED_MS);
  const kept: T[] = [];
  for (const [index, each] of past.entries()) {
    const older = kept.at(-1);
    const newer = past[index + 1] ?? point;
    const spacingMs = spacingAt(point.at - each.at);
    if (older === undefined || newer.at - older.at > spacingMs) kept.push(each);
  }
  return [...kept, point];
}

/** How far apart what is so old may lie, both in milliseconds. */
export function spacingAt(ageMs: number): number {
  return Math.min(MOST_SPACING_MS, Math.max(LEAST_SPACING_MS, ageMs * SPACING_SHARE));
}
