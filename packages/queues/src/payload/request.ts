import { isInstanceId, MAX_DURATION_MS, paramSchema } from '@spica/core';
import * as z from 'zod';

/** Most instances that one request may ask for, whatever the pool allows. */
export const MAX_COUNT = 10_000;

const instanceId = z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab');
const shortText = z.string().min(1).max(200);

/** How long something lasts: no longer than a duration can be. */
function milliseconds(least: number) {
  const expected = `expected a whole number from ${least} to ${MAX_DURATION_MS} (milliseconds)`;
  return z.int(expected).min(least, expected).max(MAX_DURATION_MS, expected);
}

/** What a runner submits: spawn `count` instances of a template, all or none. */
export const spawnRequestSchema = z.strictObject({
  pool: shortText,
  template: shortText,
  count: z
    .int(`expected a whole number from 1 to ${MAX_COUNT}`)
    .min(1, `expected a whole number from 1 to ${MAX_COUNT}`)
    .max(MAX_COUNT, `expected a whole number from 1 to ${MAX_COUNT}`),
  /** Template parameters, appended to `.env.spica` and kept in the manifest. */
  params: z.record(z.string(), paramSchema),
  parent: instanceId.nullable(),
  experiment: shortText.nullable(),
  labels: z.record(shortText, z.string().max(200)),
  notes: z.string().max(10_000),
  /** In force before each instance is visible. The token itself stays with whoever asked; null for no lease. */
  lease: z
    .strictObject({ owner: shortText, tokenHash: z.string().length(64), ms: milliseconds(1) })
    .nullable(),
  /** A life of their own, shorter than the policy's, in milliseconds; null for the policy's. */
  ttlMs: milliseconds(1).nullable(),
  /** Artifacts that each instance is going to make; null for none. */
  replicas: z
    .strictObject({
      epochs: z.int().min(1),
      slicesPerEpoch: z.int().min(1),
      replicasPerSlice: z.int().min(1),
    })
    .nullable(),
  /** How long the request may be held, in milliseconds; null means the pool's `gate.max_wait`. */
  maxWaitMs: milliseconds(0).nullable(),
});
export type SpawnRequest = z.infer<typeof spawnRequestSchema>;

const sizeSchema = z.strictObject({ bytes: z.int().min(0), inodes: z.int().min(0) });

const round = z.int().min(0);

/**
 * A job of the gate: the request and where it stands. `release` is entered only once the request holds its
 * reservation; `undo` only when a spawn has failed.
 */
export const gatePayloadSchema = z.strictObject({
  request: spawnRequestSchema,
  /** Epoch milliseconds. */
  submittedAt: z.int().min(0),
  step: z.enum(['preflight', 'prepare', 'reclaim', 'release', 'undo']),
  /** How often a template was prepared and space was reclaimed for it: part of the children's ids. */
  prepareRound: round,
  reclaimRound: round,
  /** The waker's count when space began to be reclaimed for it; null when that was never. */
  reclaimSeen: z.int().min(0).nullable().default(null),
  /** When it was first held; null as long as it never was. */
  heldAt: z.int().min(0).nullable(),
  /** The prepared snapshot that its spawns clone; null until the pre-flight knows it. */
  fingerprint: z.string().nullable(),
  /** The parent's generation + 1, or 0; null until the pre-flight looked. */
  generation: z.int().min(0).nullable(),
  /** What each instance was promised, and what of that it was expected to become by itself; null until admitted. */
  predicted: sizeSchema.nullable(),
  expected: sizeSchema.nullable(),
  /** Why it is being undone. */
  failure: z.string().nullable(),
});
export type GatePayload = z.infer<typeof gatePayloadSchema>;

/** What a completed request returns. */
export interface RequestResult {
  readonly instances: readonly { readonly id: string; readonly path: string }[];
}
