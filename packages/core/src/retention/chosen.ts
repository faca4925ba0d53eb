import { formatBytes } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import type { Candidate } from './candidate.ts';
import type { PlanItem, RetentionPlan } from './retention-plan.ts';

/** The rule of what an operator has chosen: it goes whatever the policy says, unless something protects it. */
export const CHOSEN = 'chosen';

/**
 * The plan that deletes just these instances. What is leased, pinned, in flight, in use or has unsaved work stays; what the
 * policy alone would keep (for its age, its score, after its lease) goes.
 *
 * @param total How many instances the pool has.
 */
export function planChosen(chosen: readonly Candidate[], total: number): RetentionPlan {
  const items = chosen.map((candidate): PlanItem => {
    const { id, bytes, protectedBy } = candidate;
    if (protectedBy) return { id, action: 'keep', ...protectedBy, bytes, candidate };
    return { id, action: 'delete', rule: CHOSEN, reason: 'chosen by an operator', bytes, candidate };
  });
  const deletes = items.filter(({ action }) => action === 'delete');
  const sum = (read: (candidate: Candidate) => number | null) =>
    deletes.reduce((before, { candidate }) => before + (read(candidate) ?? 0), 0);
  const frees = {
    bytes: sum(({ bytes }) => bytes),
    inodes: sum(({ inodes }) => inodes),
    slots: deletes.length,
  };
  const which = `${countOf(items.length, 'instance')} chosen`;
  const sentence = `deletes ${deletes.length} of ${which}, which frees ${formatBytes(frees.bytes)}${sayKept(items)}`;
  const kept = total - deletes.length;
  return { items, deletes, kept, frees, most: frees, sufficient: true, blockedBy: [], sentence };
}

/** How many must stay, and why the first of them. */
function sayKept(items: readonly PlanItem[]): string {
  const [first, ...others] = items.filter(({ action }) => action === 'keep');
  if (!first) return '';
  const more = others.length > 0 ? `, ${others.length} more` : '';
  return `; ${others.length + 1} must stay: ${first.id} (${first.reason})${more}`;
}
