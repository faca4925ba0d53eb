import { formatDuration } from '../units/duration.ts';
import { isoTime } from '../units/time.ts';
import { describeAge, roundAge } from './age.ts';
import type { Candidate, Verdict } from './candidate.ts';
import type { Terms } from './due.ts';
import type { RetentionPolicy } from './policy.ts';

/** The ids that `keep_best` keeps, with the rank of each in its experiment, 1 for the best. */
export type Best = ReadonlyMap<string, number>;

/**
 * The best of each experiment by score, protected or not. Ties go to the younger one, then to the lower id. Instances
 * that belong to no experiment are ranked among themselves; those without a score are not ranked.
 */
export function bestOf(instances: readonly Candidate[], keepBest: number): Best {
  const best = new Map<string, number>();
  if (keepBest === 0) return best;
  const ranked = new Map<string | null, Scored[]>();
  for (const candidate of instances) {
    if (!isScored(candidate)) continue;
    const ofExperiment = ranked.get(candidate.experiment);
    if (ofExperiment) insertByScore(ofExperiment, candidate, keepBest);
    else ranked.set(candidate.experiment, [candidate]);
  }
  for (const ofExperiment of ranked.values()) {
    for (const [index, { id }] of ofExperiment.entries()) best.set(id, index + 1);
  }
  return best;
}

type Scored = Candidate & { readonly score: number };

function isScored(candidate: Candidate): candidate is Scored {
  return Number.isFinite(candidate.score);
}

/** Keeps the `most` best in order: sorting all of 100,000 for a few would take longer than the rest of the plan. */
function insertByScore(ranked: Scored[], candidate: Scored, most: number): void {
  const last = ranked.at(-1);
  if (last && ranked.length >= most && byScore(last, candidate) < 0) return;
  const place = ranked.findIndex((other) => byScore(candidate, other) < 0);
  ranked.splice(place === -1 ? ranked.length : place, 0, candidate);
  if (ranked.length > most) ranked.pop();
}

function byScore(a: Scored, b: Scored): number {
  return b.score - a.score || (b.spawnedAt ?? 0) - (a.spawnedAt ?? 0) || (a.id < b.id ? -1 : 1);
}

/** What keeps an instance whatever limit it exceeds; null when it may be deleted. */
export function keptBy(candidate: Candidate, terms: Terms, best: Best): Verdict | null {
  return (
    candidate.protectedBy ??
    keptAfterLease(candidate, terms) ??
    keptWhileBlind(candidate, terms) ??
    keptAsYoung(candidate, terms) ??
    keptAsBest(candidate, best)
  );
}

type Used = Pick<Candidate, 'usedUntil' | 'discarded' | 'ttlMs'>;

/** Until when an instance is kept since it was leased, epoch milliseconds; null for one that nothing keeps for that. */
export function keptUntil(used: Used, policy: RetentionPolicy): number | null {
  const [after, blind] = [keptAfterLeaseUntil(used, policy), keptBlindUntil(used, policy)];
  return after === null || blind === null ? (after ?? blind) : Math.max(after, blind);
}

/**
 * Until when `keep_after_lease` keeps an instance: whoever used it, or whose run crashed at night, has that long to look at
 * it. Null for one that was never leased, or that its owner has discarded. A life of its own that is shorter says how long
 * it is wanted.
 */
function keptAfterLeaseUntil(
  { usedUntil, discarded, ttlMs }: Used,
  { keepAfterLeaseMs }: Pick<RetentionPolicy, 'keepAfterLeaseMs'>,
): number | null {
  if (usedUntil === null || discarded || keepAfterLeaseMs === 0) return null;
  return usedUntil + Math.min(keepAfterLeaseMs, ttlMs ?? keepAfterLeaseMs);
}

/** Until when `blind_keep` does; null where it can be seen who uses it, and for what was never leased, or was discarded. */
function keptBlindUntil({ usedUntil, discarded }: Used, { blind }: RetentionPolicy): number | null {
  return blind === undefined || usedUntil === null || discarded ? null : usedUntil + blind.keepMs;
}

/**
 * What keeps an instance where nobody can see who uses it: whoever leased it may still work in it. What was never leased
 * was handed to nobody, and what its owner has discarded nobody works in: the owner has said so. Null for all others.
 */
export function keptWhileBlind(
  used: Used,
  { policy, leaseNow }: Pick<Terms, 'policy' | 'leaseNow'>,
): Verdict | null {
  const until = keptBlindUntil(used, policy);
  if (!policy.blind || until === null || until <= leaseNow) return null;
  const keep = `blind_keep is ${formatDuration(policy.blind.keepMs)}`;
  const reason = `it was leased, and may be in use unseen, so it is kept until ${isoTime(until)}: ${policy.blind.why}, ${keep}`;
  return { rule: 'blind', reason };
}

function keptAfterLease(candidate: Candidate, { policy, leaseNow }: Terms): Verdict | null {
  const until = keptAfterLeaseUntil(candidate, policy);
  if (until === null || until <= leaseNow) return null;
  const keep = `keep_after_lease is ${formatDuration(policy.keepAfterLeaseMs)}`;
  return { rule: 'after-lease', reason: `its lease ended, it is kept until ${isoTime(until)}: ${keep}` };
}

/** While the clock is not trusted an age is unknown, and unknown means keep. */
function keptAsYoung({ spawnedAt }: Candidate, terms: Terms): Verdict | null {
  const { policy, now, ageRulesSuspended } = terms;
  if (policy.minAgeMs === 0 || spawnedAt === null) return null;
  if (ageRulesSuspended === null && now - spawnedAt >= policy.minAgeMs) return null;
  const byAge = youngByAge.get(terms) ?? new Map<number, Verdict>();
  youngByAge.set(terms, byAge);
  const age = ageRulesSuspended === null ? roundAge(spawnedAt, now) : Number.NaN;
  const known = byAge.get(age);
  if (known) return known;
  const said =
    ageRulesSuspended === null
      ? describeAge(spawnedAt, now)
      : `its age is not known for certain (${ageRulesSuspended})`;
  const verdict = { rule: 'min-age', reason: `${said}, min_age is ${formatDuration(policy.minAgeMs)}` };
  byAge.set(age, verdict);
  return verdict;
}

/** Of 100,000 young instances most share their age in words; each is put into words once. NaN: an unknown age. */
const youngByAge = new WeakMap<Terms, Map<number, Verdict>>();

function keptAsBest({ id, score, experiment }: Candidate, best: Best): Verdict | null {
  const rank = best.get(id);
  if (rank === undefined) return null;
  const where = experiment === null ? 'of those without an experiment' : `of experiment ${experiment}`;
  return { rule: 'keep-best', reason: `its score ${score} is number ${rank} ${where}` };
}
