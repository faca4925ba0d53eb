import type { Candidate, Verdict } from './candidate.ts';
import { dueByAge, type Terms } from './due.ts';
import { type Best, keptBy } from './keep.ts';

/** What can be said of an instance without the others. */
export interface Judged {
  readonly candidate: Candidate;
  /** What keeps it, whatever limit it exceeds; null when it may be deleted. */
  readonly kept: Verdict | null;
  /** The age rule by which it goes; null when it is kept or may live on. */
  readonly due: Verdict | null;
}

/** Judges one instance; `best` are those that `keep_best` keeps. */
export function judge(candidate: Candidate, terms: Terms, best: Best): Judged {
  const kept = keptBy(candidate, terms, best);
  const due = kept === null && terms.ageRulesSuspended === null ? dueByAge(candidate, terms) : null;
  return { candidate, kept, due };
}
