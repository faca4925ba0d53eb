import { formatDuration } from '../units/duration.ts';
import { describeAge } from './age.ts';
import type { Candidate, Verdict } from './candidate.ts';
import { inDays, type RetentionPolicy } from './policy.ts';

/** What the rules judge by, besides the instances. */
export interface Terms {
  readonly policy: RetentionPolicy;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Why the clock is not trusted; then nothing is deleted for its age. Null while it is. */
  readonly ageRulesSuspended: string | null;
}

/** The age rule by which an instance must go, were the clock right; null when it may live on. */
export function dueByAge({ spawnedAt, ttlMs }: Candidate, { policy, now }: Terms): Verdict | null {
  if (spawnedAt === null) {
    return { rule: 'unreadable-age', reason: 'its spawned_at cannot be read, so it counts as very old' };
  }
  const ageMs = now - spawnedAt;
  if (ttlMs !== null && ttlMs < policy.maxAgeMs && ageMs > ttlMs) {
    return {
      rule: 'ttl',
      reason: `${describeAge(spawnedAt, now)}, over its ttl of ${formatDuration(ttlMs)}`,
    };
  }
  if (ageMs <= policy.maxAgeMs) return null;
  const days = inDays(policy.maxAgeMs);
  return { rule: 'age', reason: `${describeAge(spawnedAt, now)}, over max_age_days ${days}` };
}
