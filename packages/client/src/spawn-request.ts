import { UsageError } from '@spica/core';
import type { SpawnRequest } from '@spica/queues';
import type { RequestBody } from './wire/bodies.ts';

/** What the gate takes, of what a client sent. Throws UsageError PAYLOAD_INVALID where a lease lacks the hash of its token. */
export function toRequest(pool: string, body: RequestBody, by: string | null): SpawnRequest {
  const { lease: ms, leaseOwner, leaseTokenHash, ttl: ttlMs, maxWait: maxWaitMs, ...rest } = body;
  if ((ms === null) !== (leaseTokenHash === null)) {
    const [field, other] = ms === null ? ['lease', 'leaseTokenHash'] : ['leaseTokenHash', 'lease'];
    const message = `request: ${field}: expected with ${other}, none was given`;
    throw new UsageError('PAYLOAD_INVALID', message, { field });
  }
  const owner = leaseOwner ?? by ?? 'unknown';
  const lease = ms === null || leaseTokenHash === null ? null : { owner, ms, tokenHash: leaseTokenHash };
  return { ...rest, pool, lease, ttlMs, maxWaitMs, by };
}
