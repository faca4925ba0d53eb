import type { Amount } from '../admission/space.ts';
import type { Candidate, Verdict } from './candidate.ts';

/** What becomes of one instance, and why. */
export interface PlanItem extends Verdict {
  readonly id: string;
  readonly action: 'keep' | 'delete';
  readonly bytes: number | null;
  /** The instance as the plan saw it. */
  readonly candidate: Candidate;
}

export interface RetentionPlan {
  /** Every instance that was looked at, in the order in which the policy deletes. */
  readonly items: readonly PlanItem[];
  readonly deletes: readonly PlanItem[];
  /** How many the pool then has. */
  readonly kept: number;
  /** The instances' own bytes and inodes. What they were still to grow by is not in it. */
  readonly frees: Amount;
  /** The most room that could be made for the request, as far as the plan looked. */
  readonly most: Amount;
  /** Whether the request that it makes room for would then fit. */
  readonly sufficient: boolean;
  /** Where instances that must stay are too many for the limit or the request: these, with what keeps each. */
  readonly blockedBy: readonly PlanItem[];
  readonly sentence: string;
}
