/** A slope with the interval that it lies in. */
export interface Slope {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 %. */
const Z = 1.96;

/**
 * Theil and Sen's slope: the median of the slopes between all pairs, which up to 29 % of wild points do not move, with
 * the interval of slopes that Kendall's rank statistic does not rule out: of N = n(n−1)/2 slopes in order, those of rank
 * (N − C)/2 and (N + C)/2, with C = 1.96·√(n(n−1)(2n+5)/18). Source: P. K. Sen, "Estimates of the regression coefficient
 * based on Kendall's tau", J. Am. Stat. Assoc. 63 (1968), 1379–1389, section 4. Null for fewer than three distinct x.
 * Quadratic: for some hundred points.
 */
export function theilSen(points: readonly { readonly x: number; readonly y: number }[]): Slope | null {
  const slopes: number[] = [];
  for (const [index, a] of points.entries()) {
    for (let other = index + 1; other < points.length; other += 1) {
      const b = points[other];
      if (b !== undefined && b.x !== a.x) slopes.push((b.y - a.y) / (b.x - a.x));
    }
  }
  const sorted = Float64Array.from(slopes).sort(); // by value, and several times as fast as with a comparison
  const n = points.length;
  const spread = (Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)) / 2;
  const middle = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[Math.min(sorted.length - 1, Math.max(0, index))];
  const median = at(Math.floor(middle));
  const low = at(Math.floor(middle - spread));
  const high = at(Math.ceil(middle + spread));
  if (sorted.length < 3 || median === undefined || low === undefined || high === undefined) return null;
  return { median, low, high };
}
