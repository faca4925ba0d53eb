import { CheckError, type Clock, isoTime, UsageError } from '@spica/core';
import {
  gatePayloadSchema,
  type PoolQueues,
  parsePayload,
  type SpawnRequest,
  submitOrFind,
} from '@spica/queues';
import type { OnBehalf, SubmittedRequest } from '../transport.ts';
import { type RequestBody, type RequestBodyInput, requestBodySchema } from '../wire/bodies.ts';
import type { CatalogPool } from './connection.ts';
import { instanceGone } from './instances.ts';

/** A pool whose gate takes requests. */
export interface QueuedPool extends CatalogPool {
  readonly queues: PoolQueues;
}

/**
 * Puts a request into a pool's gate. Throws UsageError PAYLOAD_INVALID, PARAM_INVALID, REQUEST_TOO_LARGE, KEY_REUSED;
 * InstanceGoneError where the instance to clone is not there.
 */
export async function submitTo(
  pool: QueuedPool,
  input: RequestBodyInput,
  { key, by, clock }: OnBehalf & { readonly key: string | null; readonly clock: Clock },
): Promise<SubmittedRequest> {
  const body = parsePayload(requestBodySchema, input, 'request') as RequestBody;
  const request = { ...toRequest(pool.name, body, by), ...(await originOf(pool, body)) };
  return submitOrFind(pool.queues, request, { key, clock });
}

function toRequest(pool: string, body: RequestBody, by: string | null): SpawnRequest {
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

/** A clone of an instance is of its template, and its child. */
async function originOf(
  pool: CatalogPool,
  { from }: RequestBody,
): Promise<Pick<SpawnRequest, 'template' | 'parent'> | null> {
  if (from === null) return null;
  const source = await pool.catalog.get(from);
  if (!source) throw await instanceGone(pool, from);
  return { template: source.record.template, parent: from };
}

/**
 * Takes a request back: held, it leaves the gate; being spawned, it is undone. `completed` where it comes too late. Throws
 * CheckError REQUEST_UNKNOWN.
 */
export async function cancelRequest(
  { queues, catalog, name }: QueuedPool,
  id: string,
  { by }: OnBehalf,
): Promise<'cancelled' | 'completed'> {
  const job = await queues.gate.getJob(id);
  const payload = gatePayloadSchema.safeParse(job?.data).data;
  if (!job || !payload) throw requestUnknown(id, name);
  if (job.finishedOn) return job.failedReason ? 'cancelled' : 'completed';
  const outcome = await catalog.cancel(id, payload.life);
  const at = isoTime(Date.now());
  const reason = `cancelled by ${by ?? 'an unknown caller'}`;
  await catalog.leaveNote({ action: 'cancel_request', request: id, reason, at, outcome });
  return outcome;
}

export function requestUnknown(id: string, pool: string): CheckError {
  const shown = id.length > 80 ? `${id.slice(0, 80)}…` : id;
  return new CheckError(
    'REQUEST_UNKNOWN',
    `id: no instance or request "${shown}" is known in pool ${pool} (any more)`,
    { field: 'id' },
  );
}
