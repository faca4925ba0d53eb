import { formatDuration } from '../units/duration.ts';

/** How old an instance is, for people: `2d3h old`, whole seconds, two units at most. */
export function describeAge(spawnedAt: number | null, now: number): string {
  if (spawnedAt === null) return 'of unknown age';
  const ageMs = now - spawnedAt;
  return ageMs >= 0 ? `${formatAge(ageMs)} old` : `spawned ${formatAge(-ageMs)} in the future`;
}

function formatAge(ms: number): string {
  const unit = ms >= 86_400_000 ? 3_600_000 : ms >= 3_600_000 ? 60_000 : 1_000;
  return formatDuration(Math.floor(ms / unit) * unit);
}
