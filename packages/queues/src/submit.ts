import { isDeepStrictEqual } from 'node:util';
import { type Clock, formatBytes, UsageError, validateParams } from '@spica/core';
import { Job } from 'bullmq';
import { newLife, requestIdOf } from './names.ts';
import type { PoolQueues } from './open.ts';
import { parsePayload } from './payload/parse.ts';
import {
  type GatePayload,
  gatePayloadSchema,
  paramsOf,
  type SpawnRequest,
  type SpawnRequestInput,
  spawnRequestSchema,
} from './payload/request.ts';

export interface SubmitOptions {
  /** Idempotency key: the same key and the same request give the same request id, submitted once; null for none. */
  readonly key: string | null;
  readonly clock: Clock;
}

/** Most bytes that a request's JSON may have: it stands in Redis, and in the manifest of each instance. */
const MOST_BYTES = 1_000_000;

/** As `submitOrFind`, for who needs no more than the request's id. */
export async function submitRequest(
  queues: PoolQueues,
  input: SpawnRequestInput,
  options: SubmitOptions,
): Promise<string> {
  return (await submitOrFind(queues, input, options)).id;
}

/**
 * Puts a request into its pool's gate. Resolves with the request's id as soon as Redis has it, and whether it is new: under
 * a key that was used for the same request it is that one. Who submits it makes no difference.
 * Throws UsageError: PAYLOAD_INVALID, PARAM_INVALID, REQUEST_TOO_LARGE, or KEY_REUSED when the key names a different
 * request.
 */
export async function submitOrFind(
  queues: PoolQueues,
  input: SpawnRequestInput,
  { key, clock }: SubmitOptions,
): Promise<{ readonly id: string; readonly created: boolean }> {
  if (key === '') {
    throw new UsageError('PAYLOAD_INVALID', 'request: key: expected a text that is not empty, got ""');
  }
  const request = parsePayload(spawnRequestSchema, input, 'request');
  checkParams(request);
  checkSize(request);
  const id = requestIdOf(key);
  const payload: GatePayload = {
    request,
    submittedAt: clock.now(),
    life: newLife(),
    step: 'decide',
    round: 0,
    heldAt: null,
    fingerprint: null,
    prepared: 0,
    preparation: null,
    admitted: null,
    failure: null,
  };
  await queues.gate.add('request', payload, { jobId: id });
  return { id, created: key === null || (await isOwn(queues, id, key, payload)) };
}

function checkParams(request: SpawnRequest): void {
  const { count, params, paramsEach } = request;
  validateParams(params);
  if (paramsEach === null) return;
  if (paramsEach.length !== count) {
    const message = `request: paramsEach: expected one for each of ${count} instances, got ${paramsEach.length}`;
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'paramsEach' });
  }
  for (const index of paramsEach.keys()) validateParams(paramsOf(request, index));
}

function checkSize(request: SpawnRequest): void {
  const bytes = Buffer.byteLength(JSON.stringify(request));
  if (bytes <= MOST_BYTES) return;
  const all = [request.params, ...(request.paramsEach ?? [])];
  const params = all.reduce((sum, each) => sum + Buffer.byteLength(JSON.stringify(each)), 0);
  throw new UsageError(
    'REQUEST_TOO_LARGE',
    `request: expected at most ${MOST_BYTES} bytes (${formatBytes(MOST_BYTES)}) as JSON, got ${bytes}, of which params are ${params}`,
    { bytes },
  );
}

/** BullMQ answers the re-adding of a job with the caller's own data, so what is stored has to be read. */
async function isOwn(
  queues: PoolQueues,
  id: string,
  key: string,
  { request, life }: GatePayload,
): Promise<boolean> {
  const stored = await Job.fromId(queues.gate, id);
  const first = parsePayload(gatePayloadSchema, stored?.data, `request ${id}`);
  if (isDeepStrictEqual({ ...first.request, by: null }, { ...request, by: null })) return first.life === life;
  throw new UsageError('KEY_REUSED', `key: "${key}" was used for a different request before (${id})`, {
    key,
  });
}
