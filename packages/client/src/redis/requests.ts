import { type Clock, isoTime } from '@spica/core';
import {
  gatePayloadSchema,
  type PoolQueues,
  parsePayload,
  type SpawnRequest,
  submitOrFind,
} from '@spica/queues';
import { requestUnknown } from '../errors.ts';
import { toRequest } from '../spawn-request.ts';
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
  await catalog.leaveNote({ action: 'cancel_request', request: id, by, reason, at, outcome });
  return outcome;
}
