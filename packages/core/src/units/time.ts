/** The first and the last moment that a date can be of, in epoch milliseconds (ECMAScript, "Time Values"). */
const FARTHEST_MS = 8_640_000_000_000_000;

/**
 * Epoch milliseconds → ISO-8601 UTC. Never throws, since one stored time that is out of all proportion must not keep a
 * whole pool from being shown or pruned: beyond the range of dates it is the nearest date, and `unknown` for NaN.
 */
export function isoTime(at: number): string {
  if (Number.isNaN(at)) return 'unknown';
  return new Date(Math.min(FARTHEST_MS, Math.max(-FARTHEST_MS, at))).toISOString();
}
