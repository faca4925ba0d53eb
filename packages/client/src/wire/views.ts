import type { RequestProgress } from '@spica/queues';
import * as z from 'zod';
import type { CollectView, InstanceView, OversizeView, Page, RequestEvent, RequestView } from '../view.ts';

/*
 * What a client is told, as schemas: for the description of the API, and for who reads it over a wire. The types are those
 * of view.ts, which say what the fields mean.
 */

const text = z.string();
const textOrNull = z.string().nullable();
const size = z.object({ bytes: z.number(), inodes: z.number() });
const params = z.record(text, z.union([z.string(), z.number(), z.boolean()]));

const collectedSchema = z.object({
  at: textOrNull,
  to: text,
  files: z.number(),
  bytes: z.number(),
  skipped: z.number(),
});

export const collectViewSchema = z.object({
  collected: z.array(collectedSchema.extend({ id: text })),
  forgone: z.array(text),
  failed: z.array(z.object({ id: text, reason: text })),
}) satisfies z.ZodType<CollectView>;

export const instanceViewSchema = z.object({
  id: text,
  pool: text,
  path: textOrNull,
  request: textOrNull,
  index: z.number().nullable(),
  by: textOrNull,
  template: text,
  templateVersion: text,
  fingerprint: textOrNull,
  cloneMethod: z.enum(['copy', 'reflink', 'snapshot']).nullable(),
  cloned: size.nullable(),
  predicted: size.nullable(),
  expected: size.nullable(),
  replicas: z.number(),
  parent: textOrNull,
  generation: z.number(),
  experiment: textOrNull,
  labels: z.record(text, text),
  ttlMs: z.number().nullable(),
  score: z.number().nullable(),
  oversize: z.enum(['end_lease', 'warn']).nullable(),
  state: z.enum(['deleting', 'in-flight', 'ready']),
  inFlightFor: textOrNull,
  spawnedAt: textOrNull,
  clonedAt: textOrNull,
  sample: z
    .object({
      allocatedBytes: z.number(),
      apparentBytes: z.number(),
      inodes: z.number(),
      ownBytes: z.number(),
      incomplete: z.boolean().optional(),
      at: textOrNull,
      changedAt: textOrNull,
    })
    .nullable(),
  ownBytes: z.number().nullable(),
  capBytes: z.number().nullable(),
  sizes: z.array(z.tuple([z.number(), z.number()])),
  lease: z.object({ owner: text, expiresAt: textOrNull, inForce: z.boolean() }).nullable(),
  lastLeasedAt: textOrNull,
  pin: z.object({ by: text, why: text, at: textOrNull }).nullable(),
  keptBy: textOrNull,
  unsaved: textOrNull,
  collect: z.array(text),
  collected: collectedSchema.nullable(),
  collectFailure: z.object({ cause: text, since: textOrNull, triedAgainAt: textOrNull }).nullable(),
  goesAt: textOrNull,
  rule: z.object({ verdict: z.enum(['keeps', 'goes']), rule: text, sentence: text }).nullable(),
}) satisfies z.ZodType<InstanceView>;

const progressSchema = z.union([
  z.object({ phase: z.enum(['preparing', 'reclaiming', 'spawning', 'undoing', 'done']), reason: text }),
  z.object({ phase: z.literal('held'), reason: text, since: text, until: text }),
  z.object({ phase: z.enum(['rejected', 'failed']), reason: text, code: text }),
]) satisfies z.ZodType<RequestProgress>;

const requestedSchema = z.object({
  pool: text,
  template: text,
  count: z.number(),
  params,
  paramsEach: z.array(params).nullable(),
  budget: z
    .object({ cpu: z.number().optional(), ramGb: z.number().optional(), vramGb: z.number().optional() })
    .nullable(),
  parent: textOrNull,
  from: textOrNull,
  experiment: textOrNull,
  labels: z.record(text, text),
  notes: text,
  lease: z.object({ owner: text, ms: z.number() }).nullable(),
  ttlMs: z.number().nullable(),
  replicas: z
    .object({ epochs: z.number(), slicesPerEpoch: z.number(), replicasPerSlice: z.number() })
    .nullable(),
  maxWaitMs: z.number().nullable(),
  by: textOrNull,
});

export const requestViewSchema = z.object({
  id: text,
  pool: text,
  life: text,
  state: text,
  progress: progressSchema.nullable(),
  request: requestedSchema.nullable(),
  submittedAt: textOrNull,
  endedAt: textOrNull,
  instances: z.array(z.object({ id: text, path: text })),
  failure: z.object({ code: text, message: text }).nullable(),
  children: z.array(
    z.object({
      id: text,
      queue: z.enum(['gate', 'spawn', 'prune', 'sample']),
      state: text,
      failure: textOrNull,
    }),
  ),
  position: z.number().nullable(),
  whatWouldHelp: textOrNull,
  spawned: z.number(),
  of: z.number(),
}) satisfies z.ZodType<RequestView>;

export const requestEventSchema = z.union([
  z.object({ phase: z.enum(['preparing', 'reclaiming', 'undoing']), reason: text }),
  z.object({
    phase: z.literal('held'),
    reason: text,
    since: text,
    until: text,
    position: z.number().nullable(),
  }),
  z.object({
    phase: z.literal('spawning'),
    reason: text,
    spawned: z.number(),
    of: z.number(),
    oversize: z.array(text),
  }),
  z.object({ phase: z.literal('ready'), reason: text, oversize: z.array(text) }),
  z.object({ phase: z.enum(['rejected', 'failed']), reason: text, code: text }),
]) satisfies z.ZodType<RequestEvent>;

/** A part of a list of instances, as they are seen. */
export function instancePageSchema<T>(
  instance: z.ZodType<T>,
): z.ZodType<Page<T> & { readonly total: number }> {
  return z.object({ items: z.array(instance), next: textOrNull, total: z.number() });
}
/** Which instances are oversize: all that are, or all of one request. */
export const oversizeEventSchema = z.object({
  instances: z.array(
    z.object({
      id: text,
      request: textOrNull,
      atCap: z.boolean(),
      ownBytes: z.number(),
      capBytes: z.number().nullable(),
    }),
  ),
}) satisfies z.ZodType<{ instances: readonly OversizeView[] }>;

/** A part of a list of such items. */
export function pageSchema<T>(item: z.ZodType<T>): z.ZodType<Page<T>> {
  return z.object({ items: z.array(item), next: textOrNull });
}
