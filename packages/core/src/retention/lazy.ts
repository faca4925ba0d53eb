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
 * Whether the instances that a plan deletes come one after the other in the policy's order, so that planForRequest may
 * stop early. `ttlEnded`: whether there is an instance whose own ttl has ended, which may be anywhere in it.
 */
export function canPlanLazily(
  { order, keepBest, maxPerExperiment }: RetentionPolicy,
  ttlEnded: boolean,
): boolean {
  return order === 'oldest' && keepBest === 0 && maxPerExperiment === null && !ttlEnded;
}

/**
 * The plan for a request without reading the whole pool: it deletes what planRetention would, and comes to the same
 * `sufficient`, but stops reading once age, count and request want nothing more. Its items, and whoever blocks it, are
 * among those that were read. Only for where canPlanLazily says so; what the iterable throws is passed on.
 */
export async function planForRequest(input: RequestInput): Promise<RetentionPlan> {
  const selection = new Selection(input, input.total);
  const judged: Judged[] = [];
  for await (const candidate of input.candidates) {
    const each = judge(candidate, input, NONE_BEST);
    judged.push(each);
    if (each.due) selection.take(candidate, each.due);
    else if (each.kept === null && !selection.offer(candidate)) break;
    if (selection.isFull) break;
  }
  return toPlan(judged, input.total, input, selection.result());
}
