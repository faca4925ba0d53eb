import { formatDuration } from '../units/duration.ts';
import { describeUnused, endOfUse } from './age.ts';
import type { Candidate, Verdict } from './candidate.ts';
import { inDays, type RetentionPolicy } from './policy.ts';

/** What the rules judge by, besides the instances. */
export interface Terms {
  readonly policy: RetentionPolicy;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The time by which leases are judged, epoch milliseconds: it does not jump when the host's clock is set. */
  readonly leaseNow: number;
  /** Why the clock is not trusted; then nothing is deleted for its age. Null while it is. */
  readonly ageRulesSuspended: string | null;
}

/** The age rule by which an instance must go, were the clock right; null when it may live on. */
export function dueByAge(candidate: Candidate, { policy, now }: Terms): Verdict | null {
  const since = endOfUse(candidate);
  if (since === null) {
    return { rule: 'unreadable-age', reason: 'its spawned_at cannot be read, so it counts as very old' };
  }
  const { rule, limitMs } = ageLimitOf(candidate, policy);
  if (now - since <= limitMs) return null;
  const limit =
    rule === 'ttl' ? `its ttl of ${formatDuration(limitMs)}` : `max_age_days ${inDays(policy.maxAgeMs)}`;
  return { rule, reason: `${describeUnused(candidate, now)}, over ${limit}` };
}

/** How long an instance may live on after its last use, by its own ttl or the policy's age, whichever is shorter. */
export function ageLimitOf(
  { ttlMs }: Pick<Candidate, 'ttlMs'>,
  { maxAgeMs }: Pick<RetentionPolicy, 'maxAgeMs'>,
): { readonly rule: 'ttl' | 'age'; readonly limitMs: number } {
  return ttlMs !== null && ttlMs < maxAgeMs
    ? { rule: 'ttl', limitMs: ttlMs }
    : { rule: 'age', limitMs: maxAgeMs };
}
