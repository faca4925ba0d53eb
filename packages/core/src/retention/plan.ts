import type { Amount } from '../admission/space.ts';
import { formatBytes } from '../units/bytes.ts';
import { formatDuration } from '../units/duration.ts';
import { describePolicy, type RetentionPolicy } from './policy.ts';

/** An instance as the planner sees it. */
export interface Candidate {
  readonly id: string;
  /** Epoch milliseconds; null when it could not be read, which counts as very old. */
  readonly spawnedAt: number | null;
  /** Bytes and inodes that come back with its deletion; null when not known, which counts as none. */
  readonly bytes: number | null;
  readonly inodes: number | null;
  /** What keeps it, whatever the policy says. */
  readonly protectedBy: { readonly rule: string; readonly reason: string } | null;
}

export interface RetentionInput {
  readonly instances: readonly Candidate[];
  readonly policy: RetentionPolicy;
  readonly now: number;
  /** Slots promised to requests that have not used them yet. */
  readonly reservedSlots: number;
  /** What a request needs in all; zeros for a plain prune. */
  readonly need: Amount;
  /** What of it is missing now. */
  readonly shortfall: Amount;
  /** Most deletions in one plan. */
  readonly limit?: number;
}

export interface PlanItem {
  readonly id: string;
  readonly action: 'keep' | 'delete';
  /** The rule that decided. */
  readonly rule: string;
  readonly reason: string;
  readonly bytes: number | null;
}

export interface RetentionPlan {
  /** Every instance, oldest first. */
  readonly items: readonly PlanItem[];
  readonly deletes: readonly PlanItem[];
  readonly frees: Amount;
  /** Whether the request that it makes room for would then fit. */
  readonly sufficient: boolean;
  readonly sentence: string;
}

/** Most deletions in one run, however large the excess. */
export const MAX_DELETIONS = 1_000;

/**
 * Decides what to keep and what to delete, each with its reason. Age and count limits apply always; more is deleted for
 * a request only if that then lets it in. Oldest first; ties by id. The same input, in any order, gives the same plan.
 */
export function planRetention(input: RetentionInput): RetentionPlan {
  const oldestFirst = input.instances.toSorted(byAge);
  const always = selectAlways(oldestFirst, input);
  const forRequest = selectForRequest(oldestFirst, input, always);
  const chosen = forRequest ?? always;
  const items = oldestFirst.map((instance) => toItem(instance, chosen.get(instance.id), input));
  const deletes = items.filter(({ action }) => action === 'delete');
  const frees = sum(oldestFirst.filter(({ id }) => chosen.has(id)));
  return {
    items,
    deletes,
    frees,
    sufficient: forRequest !== null,
    sentence: sentenceOf(items, frees, input),
  };
}

/** The rule and reason by which an instance goes. */
type Choice = { readonly rule: string; readonly reason: string };
type Chosen = ReadonlyMap<string, Choice>;

function byAge(a: Candidate, b: Candidate): number {
  return (a.spawnedAt ?? -1) - (b.spawnedAt ?? -1) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** What goes by age and count, whoever asks. */
function selectAlways(oldestFirst: readonly Candidate[], input: RetentionInput): Map<string, Choice> {
  const { policy, now, limit = MAX_DELETIONS } = input;
  const chosen = new Map<string, Choice>();
  for (const { id, spawnedAt, protectedBy } of oldestFirst) {
    if (chosen.size >= limit) return chosen;
    const ageMs = spawnedAt === null ? null : now - spawnedAt;
    if (protectedBy || (ageMs !== null && ageMs <= policy.maxAgeMs)) continue;
    chosen.set(
      id,
      ageMs === null
        ? { rule: 'unreadable-age', reason: 'its spawned_at cannot be read, so it counts as very old' }
        : { rule: 'age', reason: `${formatAge(ageMs)} old, max_age_days is ${policy.maxAgeMs / 86_400_000}` },
    );
  }
  addByCount(oldestFirst, input, 0, chosen);
  return chosen;
}

/** The selection that lets the request in; null when none does. */
function selectForRequest(
  oldestFirst: readonly Candidate[],
  input: RetentionInput,
  always: Chosen,
): Chosen | null {
  const { need, shortfall, policy, reservedSlots, limit = MAX_DELETIONS } = input;
  const chosen = new Map(always);
  addByCount(oldestFirst, input, need.slots, chosen);
  const room = policy.maxInstances - reservedSlots - (oldestFirst.length - chosen.size);
  if (need.slots > 0 && room < need.slots) return null;
  let freed = sum(oldestFirst.filter(({ id }) => chosen.has(id)));
  const enough = () => freed.bytes >= shortfall.bytes && freed.inodes >= shortfall.inodes;
  for (const instance of oldestFirst) {
    if (enough() || chosen.size >= limit) break;
    if (instance.protectedBy || chosen.has(instance.id)) continue;
    chosen.set(instance.id, { rule: 'space', reason: spaceReason(shortfall) });
    freed = add(freed, instance);
  }
  return enough() ? chosen : null;
}

/** Oldest first, until what remains, is reserved and is asked for fits into `maxInstances`. */
function addByCount(
  oldestFirst: readonly Candidate[],
  input: RetentionInput,
  slots: number,
  chosen: Map<string, Choice>,
) {
  const { policy, reservedSlots, limit = MAX_DELETIONS } = input;
  const excess = () => oldestFirst.length - chosen.size + reservedSlots + slots - policy.maxInstances;
  for (const { id, protectedBy } of oldestFirst) {
    if (excess() <= 0 || chosen.size >= limit) return;
    if (protectedBy || chosen.has(id)) continue;
    const asked = slots > 0 ? `, to make room for ${slots}` : '';
    chosen.set(id, {
      rule: 'count',
      reason: `among the oldest, max_instances is ${policy.maxInstances}${asked}`,
    });
  }
}

function toItem(instance: Candidate, choice: Choice | undefined, { now }: RetentionInput): PlanItem {
  const { id, bytes, protectedBy, spawnedAt } = instance;
  if (choice) return { id, action: 'delete', ...choice, bytes };
  if (protectedBy) return { id, action: 'keep', ...protectedBy, bytes };
  const reason =
    spawnedAt === null ? 'more than one run deletes' : `${formatAge(now - spawnedAt)} old, within the limits`;
  return { id, action: 'keep', rule: 'within-limits', reason, bytes };
}

function spaceReason({ bytes, inodes }: Amount): string {
  const missing = [bytes > 0 ? formatBytes(bytes) : '', inodes > 0 ? `${inodes} inodes` : ''].filter(Boolean);
  return `among the oldest, ${missing.join(' and ')} missing for a request`;
}

function sentenceOf(items: readonly PlanItem[], frees: Amount, { policy }: RetentionInput): string {
  const keep = items.length - frees.slots;
  return `keeps ${keep}, deletes ${frees.slots} (${formatBytes(frees.bytes)}): ${describePolicy(policy)}`;
}

function sum(instances: readonly Candidate[]): Amount {
  return instances.reduce(add, { bytes: 0, inodes: 0, slots: 0 });
}

function add(amount: Amount, { bytes, inodes }: Candidate): Amount {
  return {
    bytes: amount.bytes + (bytes ?? 0),
    inodes: amount.inodes + (inodes ?? 0),
    slots: amount.slots + 1,
  };
}

/** An age for people: whole seconds, two units at most. */
function formatAge(ms: number): string {
  const unit = ms >= 86_400_000 ? 3_600_000 : ms >= 3_600_000 ? 60_000 : 1_000;
  return formatDuration(Math.floor(ms / unit) * unit);
}
