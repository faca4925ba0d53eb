import type { ActionAsked } from '@spica/client/wire';
import { bytes, countOf } from '../../../parts/format.ts';

export type Verb = ActionAsked['action'] | 'grow';

/** What is done with instances, in words. */
export interface VerbText {
  /** What its button says. */
  readonly button: string;
  readonly kind: 'primary' | 'danger';
  /** Whether runners may, with what was submitted with their token. */
  readonly forRunners: boolean;
  /** What it does with so many, which take so much by themselves. */
  readonly explain: (count: number, ownBytes: number) => string;
  /** `pinned`. */
  readonly done: string;
}

export const VERBS: Readonly<Record<Verb, VerbText>> = {
  pin: {
    button: 'Pin',
    kind: 'primary',
    forRunners: true,
    explain: (count) => `Keeps ${countOf(count, 'instance')} until unpinned: no rule deletes what is pinned.`,
    done: 'pinned',
  },
  unpin: {
    button: 'Unpin',
    kind: 'primary',
    forRunners: true,
    explain: (count) =>
      `Takes the pins of ${countOf(count, 'instance')} away: from then on the rules decide.`,
    done: 'unpinned',
  },
  release: {
    button: 'Release',
    kind: 'danger',
    forRunners: false,
    explain: (count) =>
      `Ends the leases of ${countOf(count, 'instance')}, whoever holds them. Whoever works there is told at the next renewal.`,
    done: 'released',
  },
  prune: {
    button: 'Prune',
    kind: 'danger',
    forRunners: false,
    explain: (count, ownBytes) =>
      `Deletes ${countOf(count, 'instance')}, which frees ${bytes(ownBytes)}. What is leased, pinned, in use or has unsaved work ` +
      'stays. What is deleted waits in the trash, from where Restore brings it back until the room is needed.',
    done: 'deleted',
  },
  restore: {
    button: 'Restore',
    kind: 'primary',
    forRunners: false,
    explain: (count) =>
      `Brings ${countOf(count, 'instance')} back from the trash, as long as they are there.`,
    done: 'restored',
  },
  verify: {
    button: 'Verify',
    kind: 'primary',
    forRunners: true,
    explain: (count) =>
      `Checks whether the lineage of ${countOf(count, 'instance')} is what the manifest says.`,
    done: 'verified',
  },
  collect: {
    button: 'Collect',
    kind: 'primary',
    forRunners: true,
    explain: (count) =>
      `Copies the results of ${countOf(count, 'instance')} to where the pool collects them.`,
    done: 'collected',
  },
  sample: {
    button: 'Measure',
    kind: 'primary',
    forRunners: true,
    explain: (count) => `Measures ${countOf(count, 'instance')} now, instead of when it is due.`,
    done: 'measured',
  },
  grow: {
    button: 'Grow',
    kind: 'primary',
    forRunners: true,
    explain: (count) =>
      `Raises the cap of ${countOf(count, 'instance')}, if there is room for that now: also of what is in use.`,
    done: 'grown',
  },
};

/** What came of it, in one sentence. */
export function outcomeText(verb: Verb, { done, matched }: { done: number; matched: number }): string {
  const { done: word } = VERBS[verb];
  return done === matched
    ? `${countOf(done, 'instance')} ${word}`
    : `${done} of ${countOf(matched, 'instance')} ${word}`;
}
