import { countOf } from '../units/count.ts';
import type { PlanItem } from './retention-plan.ts';

/** How many instances of a plan one rule keeps or deletes, what they take by themselves, and that in words. */
export interface RuleTally {
  readonly rule: string;
  readonly count: number;
  readonly bytes: number;
  readonly sentence: string;
}

/** What a rule does with one, and with several. */
const KEEPS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  'in-flight': ['is of a request that has not ended', 'are of requests that have not ended'],
  pinned: ['is pinned', 'are pinned'],
  leased: ['is leased', 'are leased'],
  forked: ['is being forked', 'are being forked'],
  'lock-file': ['has a lock file', 'have a lock file'],
  'live-process': ['is used by a process', 'are used by processes'],
  'unseen-processes': ['may be used by a process', 'may be used by processes'],
  'unsaved-work': ['holds unsaved work', 'hold unsaved work'],
  collecting: ['is being collected', 'are being collected'],
  'collect-failed': ['could not be collected', 'could not be collected'],
  undeletable: ['could not be deleted', 'could not be deleted'],
  'after-lease': ['is kept for a while after its lease', 'are kept for a while after their leases'],
  'min-age': ['is younger than min_age', 'are younger than min_age'],
  'keep-best': ['is among the best of its experiment', 'are among the best of their experiments'],
  'run-limit': ['is due, which the next run deletes', 'are due, which the next runs delete'],
  clock: ['would be due, were the clock right', 'would be due, were the clock right'],
  'within-limits': ['is within the limits', 'are within the limits'],
};

const DELETES: typeof KEEPS = {
  age: ['is older than max_age_days', 'are older than max_age_days'],
  ttl: ['has outlived its ttl', 'have outlived their ttl'],
  'unreadable-age': ['is of unknown age', 'are of unknown age'],
  'per-experiment': ['is over max_per_experiment', 'are over max_per_experiment'],
  count: ['is over max_instances', 'are over max_instances'],
  space: ['makes room', 'make room'],
  chosen: ['was chosen', 'were chosen'],
};

/** Why the instances of a plan stay, and why they go: by rule, the most frequent first. */
export function tallyRules(items: readonly PlanItem[]): {
  readonly keptBy: readonly RuleTally[];
  readonly deletedBy: readonly RuleTally[];
} {
  const of = (action: PlanItem['action']) => items.filter((item) => item.action === action);
  return { keptBy: tally(of('keep'), KEEPS), deletedBy: tally(of('delete'), DELETES) };
}

function tally(items: readonly PlanItem[], words: typeof KEEPS): RuleTally[] {
  const sums = new Map<string, { count: number; bytes: number }>();
  for (const { rule, bytes } of items) {
    const sum = sums.get(rule) ?? { count: 0, bytes: 0 };
    sums.set(rule, { count: sum.count + 1, bytes: sum.bytes + (bytes ?? 0) });
  }
  return [...sums]
    .map(([rule, sum]) => ({ rule, ...sum, sentence: say(rule, sum.count, words) }))
    .sort((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1));
}

function say(rule: string, count: number, words: typeof KEEPS): string {
  const [one, many] = words[rule] ?? [`: ${rule}`, `: ${rule}`];
  return `${countOf(count, 'instance')} ${count === 1 ? one : many}`;
}
