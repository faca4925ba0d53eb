import { isoTime } from '../units/time.ts';
import { endOfUse } from './age.ts';
import type { Candidate, Verdict } from './candidate.ts';
import { LEASED } from './candidate-of.ts';
import { ageLimitOf, type Terms } from './due.ts';
import { keptUntil } from './keep.ts';
import { planRetention, type RetentionInput } from './plan.ts';
import type { PlanItem } from './retention-plan.ts';

/** When an instance would go by itself, and by which rule, if nobody did anything about it. */
export interface Departure extends Verdict {
  /** Epoch milliseconds, now where the next run takes it; null where it stays. */
  readonly at: number | null;
  /** What keeps it, and until when where that is known, in one sentence; null where nothing does. */
  readonly keptBy: string | null;
  /** The rule that keeps it, or would delete it now, and why in one sentence. */
  readonly judged: Judgement;
}

export interface Judgement {
  readonly verdict: 'keeps' | 'goes';
  readonly rule: string;
  readonly sentence: string;
}

type When = Omit<Departure, 'keptBy' | 'judged'>;

/** When each instance would go. A request that needs room may have one go before, as soon as nothing keeps it. */
export function departuresOf(input: RetentionInput): ReadonlyMap<string, Departure> {
  const { items } = planRetention(input);
  return new Map(items.map((item) => [item.id, departureOf(item, input)]));
}

/** When an instance would go, by what a plan made under these terms says of it. */
export function departureOf(item: PlanItem, terms: Terms): Departure {
  const when = whenItGoes(item, terms);
  const keptBy = sayWhatKeeps(item, when, terms.now);
  const judged: Judgement =
    keptBy === null
      ? { verdict: 'goes', rule: when.rule, sentence: when.reason }
      : { verdict: 'keeps', rule: item.rule, sentence: keptBy };
  return { ...when, keptBy, judged };
}

/** Where an end is known, it is said: at the end of a lease nothing goes yet, for instance. */
function sayWhatKeeps({ action, reason }: PlanItem, when: When, now: number): string | null {
  if (action === 'delete' || (when.at !== null && when.at <= now)) return null;
  return when.reason === reason ? reason : `${reason}; ${when.reason}`;
}

function whenItGoes({ action, rule, reason, candidate }: PlanItem, terms: Terms): When {
  if (action === 'delete' || rule === 'run-limit') return { at: terms.now, rule, reason };
  const { protectedBy } = candidate;
  const stays = (protectedBy !== null && protectedBy.rule !== LEASED) || rule === 'keep-best';
  if (stays || terms.ageRulesSuspended !== null) return { at: null, rule, reason };
  const since = endOfUse(candidate);
  if (since === null) return { at: terms.now, rule, reason };
  return dueLater(candidate, since, terms);
}

/** No rule takes it now: its age will, once nothing keeps it any more. */
function dueLater(candidate: Candidate, since: number, { policy }: Terms): When {
  const { rule, limitMs } = ageLimitOf(candidate, policy);
  const grown = (candidate.spawnedAt ?? 0) + policy.minAgeMs;
  const at = Math.max(since + limitMs, grown, keptUntil(candidate, policy) ?? 0);
  return { at, rule, reason: `goes for its age after ${isoTime(at)}` };
}
