/** How old an instance is, for people: `2d3h old`, whole seconds, two units at most. */
export function describeAge(spawnedAt: number | null, now: number): string {
  if (spawnedAt === null) return 'of unknown age';
  const ageMs = now - spawnedAt;
  return ageMs >= 0 ? `${formatAge(ageMs)} old` : `spawned ${formatAge(-ageMs)} in the future`;
}

/** As formatDuration does it, but cheap enough to be said of each of 100,000 instances. */
function formatAge(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return twoUnits(seconds, 60, 'm', 's');
  if (seconds < 86_400) return twoUnits(Math.floor(seconds / 60), 60, 'h', 'm');
  return twoUnits(Math.floor(seconds / 3_600), 24, 'd', 'h');
}

/** `2d3h`, but `2d` where nothing is left for the smaller unit. */
function twoUnits(amount: number, perLarge: number, large: string, small: string): string {
  const rest = amount % perLarge;
  const figure = `${(amount - rest) / perLarge}${large}`;
  return rest === 0 ? figure : `${figure}${rest}${small}`;
}
