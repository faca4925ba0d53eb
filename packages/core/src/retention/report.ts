import { formatBytes } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import { describeAge, describeUnused, endOfUse, roundAge } from './age.ts';
import { describeShare } from './brings.ts';
import type { Candidate, Verdict } from './candidate.ts';
import { dueByAge } from './due.ts';
import type { Judged } from './judge.ts';
import { describePolicy } from './policy.ts';
import type { PlanItem, RetentionPlan } from './retention-plan.ts';
import { type Demand, MAX_DELETIONS, type Selected } from './selection.ts';

/** How many of those who block a plan its sentence names. */
const NAMED = 3;

/** Puts a selection into words: one item for each instance, and a sentence for the whole. `total` is the pool's. */
export function toPlan(
  judged: readonly Judged[],
  total: number,
  demand: Demand,
  selected: Selected,
): RetentionPlan {
  const byAge: VerdictByAge = new Map();
  const items = judged.map((each) => toItem(each, demand, selected, byAge));
  const deletes = items.filter(({ action }) => action === 'delete');
  const blockedBy = findBlockers(judged, items, demand);
  const { frees, most, sufficient } = selected;
  const kept = total - frees.slots;
  const parts = [
    `keeps ${kept}, deletes ${frees.slots} (${formatBytes(frees.bytes)}): ${describePolicy(demand.policy)}`,
    !sufficient &&
      `that is not enough for the ${demand.missingFor ?? 'request'}, so nothing is deleted for it`,
    demand.share !== undefined && demand.share < 1 && describeShare(demand.share),
    selected.postponed.size > 0 &&
      `${countOf(selected.postponed.size, 'more is', 'more are')} due, which the next run deletes`,
    demand.ageRulesSuspended !== null && `age and ttl rules are suspended: ${demand.ageRulesSuspended}`,
    blockedBy.length > 0 && describeBlockers(blockedBy, demand),
  ];
  return {
    items,
    deletes,
    kept,
    frees,
    most,
    sufficient,
    blockedBy,
    sentence: parts.filter(Boolean).join('; '),
  };
}

function item(candidate: Candidate, action: PlanItem['action'], { rule, reason }: Verdict): PlanItem {
  return { id: candidate.id, action, rule, reason, bytes: candidate.bytes, candidate };
}

/** Of 100,000 instances within the limits most share their age in words; each is put into words once. */
type VerdictByAge = Map<number | null, Verdict>;

function toItem(
  { candidate, kept }: Judged,
  demand: Demand,
  { chosen, postponed }: Selected,
  byAge: VerdictByAge,
): PlanItem {
  const verdict = chosen.get(candidate);
  if (verdict) return item(candidate, 'delete', verdict);
  const due = postponed.get(candidate);
  const stays = kept ?? (due ? asPostponed(due, demand) : asNotDue(candidate, demand, byAge));
  return item(candidate, 'keep', stays);
}

function asPostponed({ reason }: Verdict, { limit = MAX_DELETIONS }: Demand): Verdict {
  return { rule: 'run-limit', reason: `due (${reason}), but one run deletes at most ${limit}` };
}

function asNotDue(candidate: Candidate, demand: Demand, byAge: VerdictByAge): Verdict {
  const { ageRulesSuspended, now } = demand;
  const suspended = ageRulesSuspended === null ? null : dueByAge(candidate, demand);
  if (suspended) {
    return { rule: 'clock', reason: `would be due (${suspended.reason}), but ${ageRulesSuspended}` };
  }
  if (endOfUse(candidate) !== candidate.spawnedAt) {
    return { rule: 'within-limits', reason: `${describeUnused(candidate, now)}, within the limits` };
  }
  const age = candidate.spawnedAt === null ? null : roundAge(candidate.spawnedAt, now);
  const known = byAge.get(age);
  if (known) return known;
  const reason = `${describeAge(candidate.spawnedAt, now)}, within the limits`;
  const verdict = { rule: 'within-limits', reason };
  byAge.set(age, verdict);
  return verdict;
}

/** Those who must stay, if they alone leave too little of `maxInstances`. */
function findBlockers(judged: readonly Judged[], items: readonly PlanItem[], demand: Demand): PlanItem[] {
  const held = judged.reduce((count, { kept }) => (kept === null ? count : count + 1), 0);
  const fits = held + demand.reservedSlots + demand.need.slots <= demand.policy.maxInstances;
  return fits ? [] : items.filter((_, index) => judged[index]?.kept !== null);
}

function describeBlockers(blockedBy: readonly PlanItem[], { policy, reservedSlots, need }: Demand): string {
  const asked = [
    reservedSlots > 0 && `, ${reservedSlots} are reserved`,
    need.slots > 0 && `, ${need.slots} are asked for`,
  ].filter(Boolean);
  const named = blockedBy.slice(0, NAMED).map(({ id, rule, reason }) => `${id} (${rule}: ${reason})`);
  const others = blockedBy.length - named.length;
  const holders = [...named, ...(others > 0 ? [`${others} more`] : [])].join(', ');
  return `${blockedBy.length} must stay${asked.join('')}, max_instances is ${policy.maxInstances}: ${holders}`;
}
