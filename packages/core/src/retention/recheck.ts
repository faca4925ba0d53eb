import { formatDuration } from '../units/duration.ts';
import { isoTime } from '../units/time.ts';
import type { Candidate } from './candidate.ts';
import { CHOSEN } from './chosen.ts';
import type { SealedItem } from './digest.ts';
import { dueByAge, type Terms } from './due.ts';
import { type Best, keptBy } from './keep.ts';

/** Whether a sealed deletion may still be carried out, and if not, why. */
export type Recheck = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** The terms as they are now, and who is among the best now (bestOf). */
export interface RecheckTerms extends Terms {
  readonly best: Best;
}

/** What must not have changed, in words. The size may: it says nothing about whether the instance is wanted. */
const FACTS: Readonly<Record<string, (instance: SealedItem | Candidate) => string>> = {
  spawned_at: ({ spawnedAt }) => (spawnedAt === null ? 'unreadable' : isoTime(spawnedAt)),
  experiment: ({ experiment }) => experiment ?? 'none',
  ttl: ({ ttlMs }) => (ttlMs === null ? 'none' : formatDuration(ttlMs)),
  score: ({ score }) => `${score ?? 'none'}`,
};

/** The rules by which only a trusted clock may delete. */
const AGE_RULES: ReadonlySet<string> = new Set(['age', 'ttl', 'unreadable-age']);

/**
 * Looks at an instance again before a sealed plan deletes it. `current` is null when it is gone. The instance stays if it
 * is protected, too young or among the best now, if it changed or was leased since the plan, or if it was to go for its
 * age and that does not hold now. One that was chosen stays only where something protects it, or it changed.
 */
export function recheck(sealed: SealedItem, current: Candidate | null, terms: RecheckTerms): Recheck {
  if (current === null) return skip('it is gone');
  // Who chose it has seen what the policy says of it.
  const kept = sealed.rule === CHOSEN ? current.protectedBy : keptBy(current, terms, terms.best);
  if (kept) return skip(`it must stay now (${kept.rule}): ${kept.reason}`);
  if (current.lastLeasedAt !== sealed.lastLeasedAt) return skip('it was leased since the plan was made');
  for (const [fact, describe] of Object.entries(FACTS)) {
    const [before, after] = [describe(sealed), describe(current)];
    if (before !== after)
      return skip(`its ${fact} changed since the plan was made, from ${before} to ${after}`);
  }
  if (!AGE_RULES.has(sealed.rule)) return { ok: true };
  if (terms.ageRulesSuspended !== null)
    return skip(`age and ttl rules are suspended: ${terms.ageRulesSuspended}`);
  return dueByAge(current, terms) ? { ok: true } : skip('it is not old enough now');
}

function skip(reason: string): Recheck {
  return { ok: false, reason };
}
