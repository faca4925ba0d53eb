import { formatDuration } from '../units/duration.ts';
import { describeAge } from './age.ts';
import type { Candidate, Verdict } from './candidate.ts';
import type { Terms } from './due.ts';

/** The ids that `keep_best` keeps, with the rank of each in its experiment, 1 for the best. */
export type Best = ReadonlyMap<string, number>;

/**
 * The best of each experiment by score, protected or not. Ties go to the younger one, then to the lower id. Instances
 * that belong to no experiment are ranked among themselves; those without a score are not ranked.
 */
export function bestOf(instances: readonly Candidate[], keepBest: number): Best {
  const best = new Map<string, number>();
  if (keepBest === 0) return best;
  for (const scored of Map.groupBy(instances.filter(isScored), ({ experiment }) => experiment).values()) {
    const ranked = scored.sort(byScore).slice(0, keepBest);
    for (const [index, { id }] of ranked.entries()) best.set(id, index + 1);
  }
  return best;
}

type Scored = Candidate & { readonly score: number };

function isScored(candidate: Candidate): candidate is Scored {
  return Number.isFinite(candidate.score);
}

function byScore(a: Scored, b: Scored): number {
  return b.score - a.score || (b.spawnedAt ?? 0) - (a.spawnedAt ?? 0) || (a.id < b.id ? -1 : 1);
}

/** What keeps an instance whatever limit it exceeds; null when it may be deleted. */
export function keptBy(candidate: Candidate, terms: Terms, best: Best): Verdict | null {
  return candidate.protectedBy ?? keptAsYoung(candidate, terms) ?? keptAsBest(candidate, best);
}

/** While the clock is not trusted an age is unknown, and unknown means keep. */
function keptAsYoung({ spawnedAt }: Candidate, { policy, now, ageRulesSuspended }: Terms): Verdict | null {
  if (policy.minAgeMs === 0 || spawnedAt === null) return null;
  const minAge = `min_age is ${formatDuration(policy.minAgeMs)}`;
  if (ageRulesSuspended !== null) {
    return { rule: 'min-age', reason: `its age is not known for certain (${ageRulesSuspended}), ${minAge}` };
  }
  if (now - spawnedAt >= policy.minAgeMs) return null;
  return { rule: 'min-age', reason: `${describeAge(spawnedAt, now)}, ${minAge}` };
}

function keptAsBest({ id, score, experiment }: Candidate, best: Best): Verdict | null {
  const rank = best.get(id);
  if (rank === undefined) return null;
  const where = experiment === null ? 'of those without an experiment' : `of experiment ${experiment}`;
  return { rule: 'keep-best', reason: `its score ${score} is number ${rank} ${where}` };
}
