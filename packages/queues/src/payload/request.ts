import { collectPatternsSchema, isInstanceId, MAX_DURATION_MS, paramSchema } from '@spica/core';
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

/** Cores, and memory in GB: what is left out is the config's. */
export const budgetSchema = z.strictObject({
  cpu: z.int().min(0).optional(),
  ramGb: z.int().min(0).optional(),
  vramGb: z.int().min(0).optional(),
});

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
  /** What each instance has beside them, or in their place, by its index; null where all have the same. */
  paramsEach: z.array(z.record(z.string(), paramSchema)).nullable().default(null),
  /** What the manifests say that an instance may use, where it is not the config's. */
  budget: budgetSchema.nullable().default(null),
  parent: instanceId.nullable(),
  /** The live instance that these are clones of, in place of the template; its parent then, too. Null for the template. */
  from: instanceId.nullable().default(null),
  /** It stands in the environment of commands, too. */
  experiment: shortText.regex(/^\P{Cc}*$/u, 'expected no control characters').nullable(),
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
  /** Patterns of what is collected of each instance; null for the template's, none for nothing. */
  collect: collectPatternsSchema.nullable().default(null),
  /** How long the request may be held, in milliseconds; null means the pool's `gate.max_wait`. */
  maxWaitMs: milliseconds(0).nullable(),
  /** Who submitted it: the name of a token, or `user@host`; null where that is not known. */
  by: shortText.nullable().default(null),
});
export type SpawnRequest = z.infer<typeof spawnRequestSchema>;
/** The same as its submitter writes it: what has a default may be left out. */
export type SpawnRequestInput = z.input<typeof spawnRequestSchema>;

/** The parameters of the instance of a request that has this index. */
export function paramsOf(
  { params, paramsEach }: Pick<SpawnRequest, 'params' | 'paramsEach'>,
  index: number,
): SpawnRequest['params'] {
  return { ...params, ...paramsEach?.[index] };
}

const sizeSchema = z.strictObject({ bytes: z.int().min(0), inodes: z.int().min(0) });

/** What a request was admitted with: enough to make its reservation again after a restart. */
const admittedSchema = z.strictObject({
  /** The prepared snapshot that its spawns clone. */
  fingerprint: z.string(),
  /** The parent's generation + 1, or 0. */
  generation: z.int().min(0),
  /** What was reserved for each instance, and what of that it is expected to become by itself. */
  each: sizeSchema,
  expected: sizeSchema,
});
export type Admitted = z.infer<typeof admittedSchema>;

/**
 * A job of the gate: the request and where it stands. `decide` comes first and again whenever it was held; the other
 * steps wait for children of the round. `spawn` is entered only with a reservation, `undo` only when a spawn failed.
 */
export const gatePayloadSchema = z.strictObject({
  request: spawnRequestSchema,
  /** Epoch milliseconds, by the submitter's clock. */
  submittedAt: z.int().min(0),
  /** Tells this life of the request from others under the same id; part of its children's ids. */
  life: z.string().regex(/^[0-9a-f]{8}$/, 'expected eight hexadecimal digits'),
  step: z.enum(['decide', 'prepare', 'reclaim', 'spawn', 'undo']),
  /** Counts the children that were started for it, those of one admission together. */
  round: z.int().min(0),
  /** When it was first held, epoch milliseconds; null as long as it never was. */
  heldAt: z.int().min(0).nullable(),
  /** The snapshot that was prepared for it, so that an edit meanwhile does not have it prepared for ever. */
  fingerprint: z.string().nullable(),
  /** How many snapshots were prepared for it in a row, none of which was there any more when it was decided. */
  prepared: z.int().min(0),
  /** What its template's snapshot will take, once that did not fit; null before. */
  preparation: sizeSchema.nullable(),
  /** Null until it is admitted. */
  admitted: admittedSchema.nullable(),
  /** Why it is being undone, and whether it is to wait for room after that; null while nothing has failed. */
  failure: z.strictObject({ code: z.string(), message: z.string(), holds: z.boolean() }).nullable(),
});
export type GatePayload = z.infer<typeof gatePayloadSchema>;

/** What a completed request returns: its instances in the order of their index. */
export interface RequestResult {
  readonly instances: readonly { readonly id: string; readonly path: string }[];
}
