import type { Space } from '../admission/space.ts';

/** The disk at one time, split into who uses it. All in bytes. */
export interface DiskPoint {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly availableBytes: number;
  readonly instancesBytes: number;
  readonly trashBytes: number;
  readonly templatesBytes: number;
  /** Whatever Spica does not know, with what the filesystem keeps for itself. */
  readonly othersBytes: number;
}

/** How long the past is remembered. */
const REMEMBERED_MS = 24 * 3_600_000;
/** A point goes when those beside it are so close, as a share of its age: the newest are dense, the oldest sparse. */
const SPACING_SHARE = 1 / 20;
/** The same for the newest of all. */
const LEAST_SPACING_MS = 1_000;

/** Splits what is in use; `own` is what Spica knows of its own. */
export function splitUse(
  at: number,
  { totalBytes, availableBytes }: Pick<Space, 'totalBytes' | 'availableBytes'>,
  own: Pick<DiskPoint, 'instancesBytes' | 'trashBytes' | 'templatesBytes'>,
): DiskPoint {
  const known = own.instancesBytes + own.trashBytes + own.templatesBytes;
  return { at, availableBytes, ...own, othersBytes: Math.max(0, totalBytes - availableBytes - known) };
}

/**
 * The history with one point more, oldest first, thinned: a day of it takes some hundred points, however often the disk
 * is looked at. Points that lie in the future of the newest are the work of a clock that was set back, and go.
 */
export function rememberPoint<T extends { readonly at: number }>(history: readonly T[], point: T): T[] {
  const past = history.filter(({ at }) => at < point.at && at >= point.at - REMEMBERED_MS);
  const kept: T[] = [];
  for (const [index, each] of past.entries()) {
    const older = kept.at(-1);
    const newer = past[index + 1] ?? point;
    const spacingMs = Math.max(LEAST_SPACING_MS, (point.at - each.at) * SPACING_SHARE);
    if (older === undefined || newer.at - older.at > spacingMs) kept.push(each);
  }
  return [...kept, point];
}
