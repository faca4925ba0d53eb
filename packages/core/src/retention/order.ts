import type { Candidate } from './candidate.ts';

/** Which instances go first where a rule has a choice. */
export type RetentionOrder = 'oldest' | 'largest' | 'least_recently_leased';

/** Negative when the first goes before the second. Ties end with the id, so that no two are equal. */
type Compare = (a: Candidate, b: Candidate) => number;

const byId: Compare = (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

const byAge: Compare = (a, b) => ascending(bornAt(a), bornAt(b)) || byId(a, b);

const COMPARE: Readonly<Record<RetentionOrder, Compare>> = {
  oldest: byAge,
  largest: (a, b) => ascending(b.bytes ?? 0, a.bytes ?? 0) || byAge(a, b),
  least_recently_leased: (a, b) => ascending(usedAt(a), usedAt(b)) || byAge(a, b),
};

/** The instances in the order in which the policy deletes: what its owner has discarded goes first. */
export function inOrder(instances: readonly Candidate[], order: RetentionOrder): Candidate[] {
  const compare = COMPARE[order];
  return instances.toSorted((a, b) => Number(b.discarded) - Number(a.discarded) || compare(a, b));
}

function bornAt({ spawnedAt }: Candidate): number {
  return spawnedAt ?? Number.NEGATIVE_INFINITY;
}

/** A spawn is a use: what has just come up and is not leased yet must not go before what lay idle for days. */
function usedAt(candidate: Candidate): number {
  return Math.max(candidate.lastLeasedAt ?? Number.NEGATIVE_INFINITY, bornAt(candidate));
}

/** Without a subtraction, which is NaN for two infinities. */
function ascending(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
