import type { Size } from '../admission/space.ts';
import { type InstanceRecord, ownBytes, ownInodes, usedUntil } from '../instance/record.ts';
import type { SizePoint } from '../instance/sizes.ts';
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
  /** What it took by itself when, oldest first, as far as that is kept for whoever looks at it. */
  readonly sizes: readonly SizePoint[];
}

/** The rule of a lease in force. */
export const LEASED = 'leased';
/** The rule that keeps what is pinned. */
export const PINNED = 'pinned';
/** The rule of a deletion that failed a moment ago. */
export const UNDELETABLE = 'undeletable';
/** The rule of what was to be collected first, and could not be a moment ago. */
export const COLLECT_FAILED = 'collect-failed';

/** What keeps an instance, whatever the policy says, until its time is over (epoch milliseconds, or Infinity). */
export interface TimedProtection extends Verdict {
  readonly until: number;
}

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
    growth:
      growth.bytes > 0 || growth.inodes > 0 ? { bytes: growth.bytes, inodes: growth.inodes } : NO_GROWTH,
    protectedBy: protectionAt(protectionsOf(instance), leaseNow),
  };
}

/** All that the catalog says keeps an instance, by whatever time: the first that is in force is the reason. */
export function protectionsOf({
  record,
  state,
  request,
  failure,
  collectFailure,
}: KnownInstance): readonly TimedProtection[] {
  const { pin, lease } = record;
  const protections: TimedProtection[] = [];
  const add = (rule: string, reason: string, until: number) => protections.push({ rule, reason, until });
  if (pin) add(PINNED, `pinned by ${pin.by}: ${pin.why}`, FOR_GOOD);
  if (state === 'in-flight') add('in-flight', `request ${request} has not ended yet`, FOR_GOOD);
  if (lease) add(LEASED, `leased by ${lease.owner} until ${isoTime(lease.expiresAt)}`, lease.expiresAt);
  // What its owner asked to collect goes nowhere uncollected.
  if (collectFailure !== null && record.collect.length > 0) {
    const until = backOffUntil(collectFailure);
    const again = `tried again after ${isoTime(until)}`;
    const reason = `its results could not be collected, which is ${again}: ${collectFailure.cause}`;
    add(COLLECT_FAILED, reason, until);
  }
  // No plan counts on what could not be done a moment ago: the next instances are as good.
  if (failure !== null) {
    const until = backOffUntil(failure);
    const again = `tried again after ${isoTime(until)}`;
    add(UNDELETABLE, `it could not be deleted, and is ${again}: ${failure.cause}`, until);
  }
  return protections.length === 0 ? UNPROTECTED : protections;
}

/** One for all: most of 100,000 instances grow no more. */
const NO_GROWTH: Size = { bytes: 0, inodes: 0 };
const FOR_GOOD = Number.POSITIVE_INFINITY;
/** One for all: of 100,000 instances nothing keeps most. */
const UNPROTECTED: readonly TimedProtection[] = [];

/** What keeps an instance at a time; null where nothing does. */
export function protectionAt(protections: readonly TimedProtection[], now: number): Verdict | null {
  return protections.find(({ until }) => until > now) ?? null;
}
