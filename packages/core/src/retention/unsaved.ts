import type { InstanceRecord } from '../instance/record.ts';
import { countOf } from '../units/count.ts';
import type { Verdict } from './candidate.ts';

/** The rule of what would be lost with an instance. */
export const UNSAVED = 'unsaved-work';

/** What git says would be lost with an instance: only what it was not cloned with counts. */
export interface UnsavedWork {
  /** Commits that no remote has. */
  readonly commits: number;
  readonly stashes: number;
  /** Files that are staged, changed or untracked; ignored ones aside. */
  readonly files: number;
  /** Why git cannot tell all of it; null where it can. */
  readonly unknown: string | null;
  /** Whether what it was cloned with is still known; if not, all of it counts. */
  readonly isBaselineKnown: boolean;
}

/** What keeps an instance that has something to lose; null where all is saved. Unknown means keep. */
export function unsavedVerdict({
  commits,
  stashes,
  files,
  unknown,
  isBaselineKnown,
}: UnsavedWork): Verdict | null {
  const lost = [
    commits > 0 && `${countOf(commits, 'commit')} not pushed`,
    stashes > 0 && countOf(stashes, 'stash', 'stashes'),
    files > 0 && `${countOf(files, 'file')} changed${isBaselineKnown ? ' since the spawn' : ''}`,
  ].filter((part) => part !== false);
  if (lost.length === 0 && unknown === null) return null;
  const parts = [
    lost.join(', '),
    unknown === null ? '' : `git cannot tell what would be lost: ${unknown}`,
    lost.length > 0 && !isBaselineKnown ? 'what it was cloned with is not known any more' : '',
  ].filter((part) => part !== '');
  return { rule: UNSAVED, reason: parts.join('; ') };
}

/**
 * Whether an instance goes without a look at what would be lost: its owner has given that up, or has named what is to be
 * saved of it, and some of that was collected. It is collected anew before it goes, where it has changed since. One that
 * ended before it made any of it may hold all that it did in commits.
 */
export function isWorkGivenUp({
  discarded,
  collect,
  collected,
}: Pick<InstanceRecord, 'discarded' | 'collect' | 'collected'>): boolean {
  return discarded || (collect.length > 0 && collected !== null && collected.files > 0);
}
