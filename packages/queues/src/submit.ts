import { isDeepStrictEqual } from 'node:util';
import { type Clock, UsageError, validateParams } from '@spica/core';
import { Job } from 'bullmq';
import { requestIdOf } from './names.ts';
import type { PoolQueues } from './open.ts';
import { parsePayload } from './payload/parse.ts';
import {
  type GatePayload,
  gatePayloadSchema,
  type SpawnRequest,
  spawnRequestSchema,
} from './payload/request.ts';

export interface SubmitOptions {
  /** Idempotency key: the same key and the same request give the same request id, submitted once; null for none. */
  readonly key: string | null;
  readonly clock: Clock;
}

/**
 * Puts a request into its pool's gate. Resolves with the request's id as soon as Redis has it.
 * Throws UsageError: PAYLOAD_INVALID, PARAM_INVALID, or KEY_REUSED when the key names a different request.
 */
export async function submitRequest(
  queues: PoolQueues,
  input: SpawnRequest,
  { key, clock }: SubmitOptions,
): Promise<string> {
  if (key === '') {
    throw new UsageError('PAYLOAD_INVALID', 'request: key: expected a text that is not empty, got ""');
  }
  const request = parsePayload(spawnRequestSchema, input, 'request');
  validateParams(request.params);
  const id = requestIdOf(key);
  const payload: GatePayload = {
    request,
    submittedAt: clock.now(),
    step: 'preflight',
    prepareRound: 0,
    reclaimRound: 0,
    reclaimSeen: null,
    heldAt: null,
    fingerprint: null,
    generation: null,
    predicted: null,
    expected: null,
    failure: null,
  };
  await queues.gate.add('request', payload, { jobId: id });
  if (key !== null) await checkSameRequest(queues, id, key, request);
  return id;
}

/** BullMQ answers the re-adding of a job with the caller's own data, so what is stored has to be read. */
async function checkSameRequest(queues: PoolQueues, id: string, key: string, request: SpawnRequest) {
  const stored = await Job.fromId(queues.gate, id);
  const first = parsePayload(gatePayloadSchema, stored?.data, `request ${id}`).request;
  if (isDeepStrictEqual(first, request)) return;
  throw new UsageError('KEY_REUSED', `key: "${key}" was used for a different request before (${id})`, {
    key,
  });
}
