import { formatDuration, type PoolConfig, type RetentionPolicy, retentionPolicyOf } from '@spica/core';
import { whyBlind } from '@spica/pool';
import type { ServedContext } from '../context.ts';

/** The limits that a pool's instances are judged by in this process, which may not see who uses them. */
export function policyInForce({ retention }: Pick<PoolConfig, 'retention'>): RetentionPolicy {
  return retentionPolicyOf(retention, whyBlind());
}

/** Where silence is not taken for "not in use", instances stay longer: whoever runs it is to know why. */
export function warnIfBlind({ gate, logger }: Pick<ServedContext, 'gate' | 'logger'>): void {
  const { blind } = gate.retention ?? {};
  if (blind === undefined) return;
  const { why, keepMs } = blind;
  logger.warn(
    { blind_keep: formatDuration(keepMs) },
    `nobody can see from here who uses an instance: ${why}. What was leased is kept for blind_keep after its lease`,
  );
}
