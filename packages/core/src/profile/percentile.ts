/** A distribution in three figures. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** The index, in `n` values sorted ascending, of the nearest-rank percentile; `share` is above 0 and at most 1. */
export function nearestRank(n: number, share: number): number {
  return Math.min(n, Math.max(1, Math.ceil(share * n))) - 1;
}

/** With fewer values the 95th percentile by rank is the largest of them: one alone, which may be a runaway. */
export const FEW = 20;
/** Of few values the largest counts as at most so many times the next one. */
const MOST_OF_NEXT = 2;

/**
 * By nearest rank. Of fewer than FEW values no single one decides: their p95 is the largest, but at most twice the next
 * one; a single value is believed. Null without values.
 */
export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = Float64Array.from(values).sort(); // by value, and several times as fast as with a comparison
  const [p50, p95, max] = [0.5, 0.95, 1].map((share) => sorted[nearestRank(sorted.length, share)]);
  if (p50 === undefined || p95 === undefined || max === undefined) return null;
  const next = sorted.at(-2);
  const isFew = sorted.length < FEW && next !== undefined;
  return { p50, p95: isFew ? Math.min(max, MOST_OF_NEXT * next) : p95, max };
}
