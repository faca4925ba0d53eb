import type { Size } from '../admission/space.ts';
import { type InstanceRecord, leaseInForce, ownBytes, ownInodes, usedUntil } from '../instance/record.ts';
import { isoTime } from '../units/time.ts';
import type { Candidate, Verdict } from './candidate.ts';
import { backOffUntil, type Failure } from './failure.ts';

/** An instance as the catalog knows it. */
export interface KnownInstance {
  readonly record: InstanceRecord;
  readonly state: 'in-flight' | 'ready' | 'deleting';
  /** The request that has not ended yet, of one in flight. */
  readonly request: string | null;
  /** Why it could not be deleted when that was last tried; null where nothing is in the way. */
  readonly failure: Failure | null;
  /** Why its results could not be collected when that was last tried; null where nothing is in the way. */
  readonly collectFailure: Failure | null;
  /** What would have been lost with it when a plan last wanted to delete it; null where that was nothing, or none did. */
  readonly unsaved: string | null;
}

/** The rule of a lease in force. */
export const LEASED = 'leased';
/** The rule of a deletion that failed a moment ago. */
export const UNDELETABLE = 'undeletable';
/** The rule of what was to be collected first, and could not be a moment ago. */
export const COLLECT_FAILED = 'collect-failed';

/**
 * An instance as the planner sees it.
 *
 * @param leaseNow The time by which leases are judged, epoch milliseconds.
 * @param growth What it is still expected to add.
 */
export function candidateOf(instance: KnownInstance, leaseNow: number, growth: Size): Candidate {
  const { record } = instance;
  return {
    id: record.id,
    experiment: record.experiment,
    spawnedAt: record.spawnedAt,
    ttlMs: record.ttlMs,
    score: record.score,
    lastLeasedAt: record.lastLeasedAt,
    usedUntil: usedUntil(record),
    discarded: record.discarded,
    // Not measured yet, it is as large as its clone was.
    bytes: ownBytes(record) ?? record.cloned?.bytes ?? null,
    inodes: ownInodes(record) ?? (record.cloneMethod === 'snapshot' ? null : (record.cloned?.inodes ?? null)),
    growth: { bytes: growth.bytes, inodes: growth.inodes },
    protectedBy: protectionOf(instance, leaseNow),
  };
}

/** What the catalog says that keeps an instance, whatever the policy says. */
function protectionOf(instance: KnownInstance, now: number): Verdict | null {
  const { record, state, request, failure } = instance;
  if (state === 'in-flight') return { rule: 'in-flight', reason: `request ${request} has not ended yet` };
  return (
    pinVerdict(record) ??
    leaseVerdict(record, now) ??
    collectVerdict(instance, now) ??
    failureVerdict(failure, now)
  );
}

function pinVerdict({ pin }: InstanceRecord): Verdict | null {
  return pin && { rule: 'pinned', reason: `pinned by ${pin.by}: ${pin.why}` };
}

function leaseVerdict(record: InstanceRecord, now: number): Verdict | null {
  const lease = leaseInForce(record, now);
  return lease && { rule: LEASED, reason: `leased by ${lease.owner} until ${isoTime(lease.expiresAt)}` };
}

/** What its owner asked to collect goes nowhere uncollected; what failed a moment ago no plan counts on. */
function collectVerdict({ record, collectFailure: failure }: KnownInstance, now: number): Verdict | null {
  if (failure === null || record.collect.length === 0 || backOffUntil(failure) <= now) return null;
  const again = `tried again after ${isoTime(backOffUntil(failure))}`;
  return {
    rule: COLLECT_FAILED,
    reason: `its results could not be collected, which is ${again}: ${failure.cause}`,
  };
}

/** No plan counts on what could not be done a moment ago: the next instances are as good. */
function failureVerdict(failure: Failure | null, now: number): Verdict | null {
  if (failure === null || backOffUntil(failure) <= now) return null;
  const again = `tried again after ${isoTime(backOffUntil(failure))}`;
  return { rule: UNDELETABLE, reason: `it could not be deleted, and is ${again}: ${failure.cause}` };
}
