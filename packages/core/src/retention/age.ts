import { formatDuration } from '../units/duration.ts';

/** An age in milliseconds as people read it: whole seconds, two units at most. Negative in the future. */
export function roundAge(spawnedAt: number, now: number): number {
  const ageMs = now - spawnedAt;
  const size = Math.abs(ageMs);
  const unit = size >= 86_400_000 ? 3_600_000 : size >= 3_600_000 ? 60_000 : 1_000;
  return Math.trunc(ageMs / unit) * unit;
}

/** How old an instance is, for people: `2d3h old`. */
export function describeAge(spawnedAt: number | null, now: number): string {
  if (spawnedAt === null) return 'of unknown age';
  const ageMs = roundAge(spawnedAt, now);
  return ageMs >= 0 ? `${formatDuration(ageMs)} old` : `spawned ${formatDuration(-ageMs)} in the future`;
}
