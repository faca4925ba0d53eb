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
 * the interval of slopes that Kendall's rank statistic does not rule out. Null for fewer than three distinct x.
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
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const spread = (Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)) / 2;
  const middle = (slopes.length - 1) / 2;
  const at = (index: number) => slopes[Math.min(slopes.length - 1, Math.max(0, index))];
  const median = at(Math.floor(middle));
  const low = at(Math.floor(middle - spread));
  const high = at(Math.ceil(middle + spread));
  if (slopes.length < 3 || median === undefined || low === undefined || high === undefined) return null;
  return { median, low, high };
}
