import { type PoolConfig, type RetentionPolicy, retentionPolicyOf } from '@spica/core';
import { whyBlind } from '@spica/pool';

/** The limits that a pool's instances are judged by in this process, which may not see who uses them. */
export function policyInForce({ retention }: Pick<PoolConfig, 'retention'>): RetentionPolicy {
  return retentionPolicyOf(retention, whyBlind());
}
