/** The limits that retention keeps a pool within. */
export interface RetentionPolicy {
  readonly maxInstances: number;
  readonly maxAgeMs: number;
}

/** A policy as a sentence, for `spica config` and for each plan. */
export function describePolicy({ maxInstances, maxAgeMs }: RetentionPolicy): string {
  const days = Number((maxAgeMs / 86_400_000).toFixed(3));
  return `at most ${maxInstances} instances, none older than ${days} ${days === 1 ? 'day' : 'days'}, oldest first`;
}
