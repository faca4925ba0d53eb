import { formatDuration } from '../units/duration.ts';
import type { Candidate } from './candidate.ts';

/** An age in milliseconds as people read it: whole seconds, two units at most. Negative in the future. */
export function roundAge(spawnedAt: number, now: number): number {
  const ageMs = now - spawnedAt;
  const size = Math.abs(ageMs);
  const unit = size >= 86_400_000 ? 3_600_000 : size >= 3_600_000 ? 60_000 : 1_000;
  return Math.trunc(ageMs / unit) * unit;
}

/**
 * When an instance was last of use to anybody: at its spawn, or when its last lease ended. Its age counts from then, so
 * that a run of days does not go the moment it is over. Null when neither is known.
 */
export function endOfUse({
  spawnedAt,
  usedUntil,
}: Pick<Candidate, 'spawnedAt' | 'usedUntil'>): number | null {
  if (spawnedAt === null || usedUntil === null) return spawnedAt ?? usedUntil;
  return Math.max(spawnedAt, usedUntil);
}

/** How long it has been of no use, for people: `2d3h old`, or `unused for 2d3h` once a lease has ended. */
export function describeUnused(candidate: Pick<Candidate, 'spawnedAt' | 'usedUntil'>, now: number): string {
  const since = endOfUse(candidate);
  if (since === candidate.spawnedAt || since === null) return describeAge(candidate.spawnedAt, now);
  return since <= now ? `unused for ${formatDuration(roundAge(since, now))}` : 'leased';
}

/** How old an instance is, for people: `2d3h old`. */
export function describeAge(spawnedAt: number | null, now: number): string {
  if (spawnedAt === null) return 'of unknown age';
  const ageMs = roundAge(spawnedAt, now);
  return ageMs >= 0 ? `${formatDuration(ageMs)} old` : `spawned ${formatDuration(-ageMs)} in the future`;
}
