const UNITS = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

/** Bytes for people, in decimal units: `12.4 GB`, `830 B`. */
export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes);
  // From 0.99995 of a unit on, one decimal of the next smaller one would read 1000.0.
  const unit = UNITS.find(([, factor]) => size >= factor * 0.999_95);
  return unit ? `${(bytes / unit[1]).toFixed(1)} ${unit[0]}` : `${Math.round(bytes)} B`;
}
