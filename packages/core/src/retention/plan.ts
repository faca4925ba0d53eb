import type { Candidate } from './candidate.ts';
import { type Judged, judge } from './judge.ts';
import { bestOf } from './keep.ts';
import { inOrder } from './order.ts';
import { toPlan } from './report.ts';
import type { RetentionPlan } from './retention-plan.ts';
import { type Demand, Selection } from './selection.ts';

export interface RetentionInput extends Demand {
  /** All of the pool's, in any order. */
  readonly instances: readonly Candidate[];
}

/**
 * Decides what to keep and what to delete, each with the rule and reason. Limits of age, ttl, experiment and count apply
 * always; more is deleted for a request only if that then lets it in, and no more than that takes. What is protected,
 * among the best or too young stays, whatever the limits say. The same input, in any order, gives the same plan.
 */
export function planRetention(input: RetentionInput): RetentionPlan {
  const best = bestOf(input.instances, input.policy.keepBest);
  const judged = inOrder(input.instances, input.policy.order).map((each) => judge(each, input, best));
  const selection = new Selection(input, judged.length);
  for (const { candidate, due } of judged) if (due) selection.take(candidate, due);
  takeByExperiment(judged, input.policy.maxPerExperiment, selection);
  for (const { candidate, kept } of judged) {
    if (kept === null && !selection.has(candidate) && !selection.offer(candidate)) break;
  }
  return toPlan(judged, judged.length, input, selection.result());
}

/** Takes what is one too many of its experiment. Instances that belong to none have no such limit. */
function takeByExperiment(judged: readonly Judged[], most: number | null, selection: Selection): void {
  if (most === null) return;
  const counts = new Map<string, number>();
  for (const { candidate, due } of judged) {
    const { experiment } = candidate;
    if (experiment !== null && due === null) counts.set(experiment, (counts.get(experiment) ?? 0) + 1);
  }
  for (const { candidate, kept, due } of judged) {
    const { experiment } = candidate;
    if (experiment === null || kept !== null || due !== null) continue;
    const count = counts.get(experiment) ?? 0;
    if (count <= most) continue;
    const reason = `one of ${count} of experiment ${experiment}, max_per_experiment is ${most}`;
    selection.take(candidate, { rule: 'per-experiment', reason });
    counts.set(experiment, count - 1);
  }
}
