import type { Candidate } from './candidate.ts';
import { type Judged, judge } from './judge.ts';
import type { RetentionPolicy } from './policy.ts';
import { toPlan } from './report.ts';
import type { RetentionPlan } from './retention-plan.ts';
import { type Demand, Selection } from './selection.ts';

export interface RequestInput extends Demand {
  /** The pool's instances, oldest first; ties by id, those of unknown age before all others. */
  readonly candidates: AsyncIterable<Candidate>;
  /** How many there are, read or not. */
  readonly total: number;
}

const NONE_BEST = new Map<string, number>();

/**
 * Whether the instances that a plan deletes can be told from the oldest ones alone, so that planForRequest may stop early.
 * `hasEarly`: whether there is one that may go before its turn, for a ttl of its own or since it was discarded: it may be
 * anywhere among them.
 */
export function canPlanLazily(
  { order, keepBest, maxPerExperiment }: RetentionPolicy,
  hasEarly: boolean,
): boolean {
  return order === 'oldest' && keepBest === 0 && maxPerExperiment === null && !hasEarly;
}

/**
 * The plan for a request without reading the whole pool: it deletes what planRetention would, and comes to the same
 * `sufficient`, but stops reading once age, count and request want nothing more. Its items, and whoever blocks it, are
 * among those that were read. Only for where canPlanLazily says so; what the iterable throws is passed on.
 */
export async function planForRequest(input: RequestInput): Promise<RetentionPlan> {
  const selection = new Selection(input, input.total);
  const judged: Judged[] = [];
  /** Read, and not offered yet: age goes first, and use may have made an old instance younger than the next one. */
  let waiting: Judged[] = [];
  const offerAll = () => {
    const all = waiting;
    waiting = [];
    return all.every(({ candidate, kept }) => kept !== null || selection.offer(candidate));
  };
  for await (const candidate of input.candidates) {
    const each = judge(candidate, input, NONE_BEST);
    const mayBeDue = candidate.spawnedAt === null || input.now - candidate.spawnedAt > input.policy.maxAgeMs;
    judged.push(each);
    if (each.due) selection.take(candidate, each.due);
    else waiting.push(each);
    if (selection.isFull || (!mayBeDue && !offerAll())) break;
  }
  offerAll();
  return toPlan(judged, input.total, input, selection.result());
}
