import { collectPatternsSchema, paramSchema } from '@spica/core';
import { budgetSchema, MAX_COUNT, MOST_CHOSEN } from '@spica/queues';
import * as z from 'zod';
import { instanceIdSchema } from './ids.ts';
import { instanceFilterSchema } from './queries.ts';
import { span } from './span.ts';

/*
 * What a client sends: bodies, as a transport takes them too. Over HTTP each may name its `pool` beside.
 */

const shortText = z.string().min(1).max(200);
const countExpected = `expected a whole number from 1 to ${MAX_COUNT}`;

/** Whoever submits or decides something: the name of a token, or `user@host`; null where that is not known. */
export type Caller = string | null;

/** A lease's token: 128 random bits, which its holder alone knows. */
export const leaseTokenSchema = z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits');

const replicasSchema = z.strictObject({
  epochs: z.int().min(1),
  slicesPerEpoch: z.int().min(1),
  replicasPerSlice: z.int().min(1),
});

/** POST /v1/requests: spawn `count` instances of a template, all or none. Every field but `count` has a default. */
export const requestBodySchema = z.strictObject({
  count: z.int(countExpected).min(1, countExpected).max(MAX_COUNT, countExpected),
  template: shortText.default('default'),
  params: z.record(z.string(), paramSchema).default({}),
  /** What each instance has beside them, or in their place, by its index; null where all have the same. */
  paramsEach: z.array(z.record(z.string(), paramSchema)).max(MAX_COUNT).nullable().default(null),
  /** What the manifests say that an instance may use, where it is not the config's: Spica sees to none of it. */
  budget: budgetSchema.nullable().default(null),
  parent: instanceIdSchema.nullable().default(null),
  /** The live instance that these are clones of, in place of the template; its parent then, too. */
  from: instanceIdSchema.nullable().default(null),
  experiment: shortText.nullable().default(null),
  labels: z.record(shortText, z.string().max(200)).default({}),
  notes: z.string().max(10_000).default(''),
  /** How long each instance is held from its spawn; null for no lease. */
  lease: span.nullable().default(null),
  /** Who holds it; the caller by default. */
  leaseOwner: shortText.nullable().default(null),
  /** SHA-256, hex, of the lease's token, which stays with whoever asks. Expected with `lease`. */
  leaseTokenHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
    .nullable()
    .default(null),
  /** A life of their own, shorter than the policy's. */
  ttl: span.nullable().default(null),
  /** How long the gate may hold the request; null for the pool's `gate.max_wait`. */
  maxWait: span.nullable().default(null),
  /** Artifacts that each instance is going to make: they count in the pre-flight. */
  replicas: replicasSchema.nullable().default(null),
  /** Patterns of what is collected of each instance; null for the template's, none for nothing. */
  collect: collectPatternsSchema.nullable().default(null),
});
export type RequestBodyInput = z.input<typeof requestBodySchema>;
export type RequestBody = z.output<typeof requestBodySchema>;

/** PUT /v1/instances/{id}/lease. Whoever brings the token of the lease in force renews it. */
export const leaseBodySchema = z.strictObject({
  lease: span.refine((ms) => ms >= 1, 'expected at least 1 ms'),
  owner: shortText.nullable().default(null),
  token: leaseTokenSchema.nullable().default(null),
  /** Takes it whoever has it; the audit log tells. */
  force: z.boolean().default(false),
});

/** DELETE /v1/instances/{id}/lease; the token comes in the header `Spica-Lease-Token`. */
export const releaseQuerySchema = z.strictObject({
  /** Nobody needs the instance any more: it is the first to go. */
  discard: z.stringbool().default(false),
  force: z.stringbool().default(false),
});

/** PUT /v1/instances/{id}/pin. */
export const pinBodySchema = z.strictObject({ why: z.string().min(1).max(1_000) });

/** PUT /v1/instances/{id}/score; null takes it back. */
export const scoreBodySchema = z.strictObject({ score: z.number().nullable() });

/** POST /v1/instances/{id}/grow. */
export const growBodySchema = z.strictObject({
  capBytes: z.int().min(1),
  /** How long it may be held for want of room; null for the pool's `gate.max_wait`. */
  maxWait: span.nullable().default(null),
});

/** POST /v1/instances/{id}/collect: by these patterns from now on, or by those that it has. */
export const collectBodySchema = z.strictObject({
  patterns: collectPatternsSchema.nullable().default(null),
});

/** POST /v1/preflight. */
export const preflightBodySchema = requestBodySchema.pick({
  count: true,
  template: true,
  experiment: true,
  replicas: true,
});
export type PreflightAsked = z.output<typeof preflightBodySchema>;

/** POST /v1/plans: limits for this plan alone; null for the pool's. */
export const planBodySchema = z.strictObject({
  maxInstances: z.int().min(0).nullable().default(null),
  /** Older ones go. */
  maxAge: span.nullable().default(null),
  /** Just these, whatever the limits say; what is leased, pinned, in use or has unsaved work stays. */
  ids: z.array(instanceIdSchema).min(1).max(MOST_CHOSEN).nullable().default(null),
});
export type PruneLimits = z.output<typeof planBodySchema>;

/** Other limits than the pool's, to see what a prune would do under them; what is left out is as it is. */
const whatIfSchema = z.strictObject({
  maxInstances: z.int().min(0).optional(),
  maxAge: span.optional(),
  keepBest: z.int().min(0).optional(),
  /** Free space that is to be there: more goes where there is less. */
  minFreeGb: z.number().min(0).optional(),
});
export type WhatIf = z.output<typeof whatIfSchema>;

/** The same, or with `whatIf` only what a prune would do under these limits: nothing is sealed. */
export const planOrWhatIfSchema = planBodySchema
  .extend({ whatIf: whatIfSchema.nullable().default(null) })
  .refine(
    ({ whatIf, ...others }) => whatIf === null || Object.values(others).every((each) => each === null),
    {
      path: ['whatIf'],
      message: 'expected without other limits',
    },
  );

/** Why something is done: it stands in the audit log. */
const reason = z.string().min(1).max(1_000);

/** POST /v1/plans/{digest}/execution. */
export const executionBodySchema = z.strictObject({ reason: reason.nullable().default(null) });

/** Most instances that one call measures or collects. */
const MOST_IDS = 10_000;

/** POST /v1/samples: these, or null for those that are due. */
export const samplesBodySchema = z.strictObject({
  ids: z.array(instanceIdSchema).max(MOST_IDS).nullable().default(null),
});

/** POST /v1/collections: of these, by these patterns from now on, or by those that they have. */
export const collectionsBodySchema = collectBodySchema.extend({
  ids: z.array(instanceIdSchema).min(1).max(MOST_IDS),
});

export const ACTIONS = [
  'pin',
  'unpin',
  'release',
  'prune',
  'restore',
  'verify',
  'collect',
  'sample',
] as const;

/** POST /v1/instances/actions: one thing done with many instances: these, or all that match. */
export const actionBodySchema = z
  .strictObject({
    action: z.enum(ACTIONS),
    ids: z.array(instanceIdSchema).min(1).max(MOST_IDS).nullable().default(null),
    match: instanceFilterSchema.nullable().default(null),
    reason,
    /** How many it was said to be: where that has changed, nothing is done. Expected with `match`. */
    confirm: z.int().min(0).nullable().default(null),
    /** `pin`: what they are kept for; the reason by default. */
    why: reason.nullable().default(null),
    /** `release`: nobody needs them any more, they are the first to go. */
    discard: z.boolean().default(false),
    /** `collect`: by these patterns from now on. */
    patterns: collectPatternsSchema.nullable().default(null),
  })
  .refine(({ ids, match }) => (ids === null) !== (match === null), {
    path: ['ids'],
    message: 'expected either ids or match',
  })
  .refine(({ action, ids }) => action !== 'restore' || ids !== null, {
    path: ['ids'],
    message: 'expected with restore: what is in the trash is in no list',
  });
export type ActionAsked = z.output<typeof actionBodySchema>;

/** `dryRun`: only tells what it would be done with. */
export const actionQuerySchema = z.strictObject({ dryRun: z.stringbool().default(false) });
