import {
  CheckError,
  cloneMethodSchema,
  collectedSchema,
  failureSchema,
  type InstanceRecord,
  instanceRecordSchema,
  type KnownInstance,
  pinSchema,
  readSizes,
  type SizePoint,
  sampleSchema,
} from '@spica/core';
import * as z from 'zod';
import type { Argument } from './ops.ts';

export const identitySchema = z.object({
  id: z.string(),
  method: cloneMethodSchema,
  /** Where whoever serves it has it; what an earlier version wrote has none. */
  root: z.string().optional(),
});

export type Identity = z.infer<typeof identitySchema>;

/** Enough to tell whether the very process still runs, where it is of this host. */
export const serverSchema = z.object({
  token: z.string(),
  pid: z.int(),
  startTicks: z.string().nullable(),
  boot: z.string().nullable(),
  host: z.string(),
  purpose: z.string(),
  /** ISO-8601 UTC. */
  since: z.string(),
});

export const reconciledSchema = z.object({ at: z.coerce.number(), graceUntil: z.coerce.number() });

/** What never changes in an instance's life; the rest has fields of its own, which operations set one by one. */
const fixedSchema = instanceRecordSchema.omit({
  sample: true,
  lease: true,
  lastLeasedAt: true,
  releasedAt: true,
  discarded: true,
  pin: true,
  ttlMs: true,
  score: true,
  oversize: true,
  collect: true,
  collected: true,
});

const whole = z.coerce.number();
const fieldsSchema = z.object({
  record: z.string(),
  sample: z.string().optional(),
  leaseOwner: z.string().optional(),
  leaseHash: z.string().optional(),
  leaseUntil: whole.optional(),
  leaseSince: whole.optional(),
  lastLeasedAt: whole.optional(),
  releasedAt: whole.optional(),
  discarded: z.literal('1').optional(),
  pin: z.string().optional(),
  ttl: whole.optional(),
  score: z.coerce.number().optional(),
  /** `warn`, or `end_lease`: then the lease is not renewed. */
  oversize: z.enum(['warn', 'end_lease']).optional(),
  /** Why it could not be deleted. Not a part of the record: it is of no use once Redis was lost. */
  failure: z.string().optional(),
  /** Patterns, as JSON. */
  collect: z.string().optional(),
  collected: z.string().optional(),
  /** Why its results could not be collected; no part of the record either. */
  collectFailure: z.string().optional(),
  /** What would have been lost with it, in words. Not a part of the record either: it is looked at again. */
  unsaved: z.string().optional(),
  /** How its size went, as `writeSizes` writes it; no part of the record: nothing is decided by it. */
  sizes: z.string().optional(),
});

/** The hash fields of an instance, as a flat list of names and values. */
export function toFields(record: InstanceRecord): Argument[] {
  const { sample, lease, lastLeasedAt, releasedAt, discarded, pin, ttlMs, score, oversize, ...others } =
    record;
  const { collect, collected, ...fixed } = others;
  const fields: Record<string, Argument | null> = {
    record: JSON.stringify(fixed),
    sample: sample && JSON.stringify(sample),
    leaseOwner: lease?.owner ?? null,
    leaseHash: lease?.tokenHash ?? null,
    leaseUntil: lease?.expiresAt ?? null,
    leaseSince: lease?.since ?? null,
    lastLeasedAt,
    releasedAt,
    discarded: discarded ? '1' : null,
    pin: pin && JSON.stringify(pin),
    ttl: ttlMs,
    score,
    oversize,
    collect: collect.length > 0 ? JSON.stringify(collect) : null,
    collected: collected && JSON.stringify(collected),
  };
  return Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [name, value]));
}

/** Reads an instance's hash. Throws CheckError CATALOG_CORRUPT that names the key. */
export function fromFields(
  key: string,
  stored: Readonly<Record<string, string>>,
): { readonly record: InstanceRecord } & Pick<
  KnownInstance,
  'failure' | 'collectFailure' | 'unsaved' | 'sizes'
> {
  const fields = readHash(fieldsSchema, key, stored);
  const failureIn = (text: string | undefined) =>
    text === undefined ? null : readJson(failureSchema, key, text);
  return {
    record: toRecord(key, fields),
    failure: failureIn(fields.failure),
    collectFailure: failureIn(fields.collectFailure),
    unsaved: fields.unsaved ?? null,
    sizes: sizesIn(key, fields.sizes),
  };
}

function sizesIn(key: string, text = ''): readonly SizePoint[] {
  if (text === '') return NO_SIZES;
  const sizes = readSizes(text);
  if (sizes) return sizes;
  throw corrupt(key, 'sizes: expected pairs of numbers');
}

const NO_SIZES: readonly SizePoint[] = [];

function toRecord(key: string, fields: z.infer<typeof fieldsSchema>): InstanceRecord {
  const { record, sample, leaseOwner, leaseHash, leaseUntil, leaseSince } = fields;
  const { lastLeasedAt, releasedAt, discarded, pin, ttl, score, oversize, collect, collected } = fields;
  const lease =
    leaseUntil === undefined
      ? null
      : {
          owner: leaseOwner ?? '',
          tokenHash: leaseHash ?? '',
          expiresAt: leaseUntil,
          since: leaseSince ?? null,
        };
  return {
    ...readJson(fixedSchema, key, record),
    sample: sample === undefined ? null : readJson(sampleSchema, key, sample),
    lease,
    lastLeasedAt: lastLeasedAt ?? null,
    releasedAt: releasedAt ?? null,
    discarded: discarded !== undefined,
    pin: pin === undefined ? null : readJson(pinSchema, key, pin),
    ttlMs: ttl ?? null,
    score: score ?? null,
    oversize: oversize ?? null,
    collect: collect === undefined ? [] : readJson(z.array(z.string()), key, collect),
    collected: collected === undefined ? null : readJson(collectedSchema, key, collected),
  };
}

/** Reads JSON that the catalog keeps. Throws CheckError CATALOG_CORRUPT that names the key. */
export function readJson<T>(schema: z.ZodType<T>, key: string, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw corrupt(key, cause);
  }
}

/** Reads the fields of a hash. Throws CheckError CATALOG_CORRUPT that names the key. */
export function readHash<T>(schema: z.ZodType<T>, key: string, stored: Readonly<Record<string, string>>): T {
  const parsed = schema.safeParse(stored);
  if (!parsed.success) throw corrupt(key, parsed.error);
  return parsed.data;
}

function corrupt(key: string, cause: unknown): CheckError {
  const reason =
    cause instanceof z.ZodError
      ? cause.issues
          .map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
          .join('; ')
      : cause;
  return new CheckError('CATALOG_CORRUPT', `the catalog's ${key} cannot be read: ${reason}`, { key }, cause);
}

/** A flat list of names and values, as scripts return a hash. */
export function pairUp(flat: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (let at = 0; at + 1 < flat.length; at += 2) pairs[flat[at] ?? ''] = flat[at + 1] ?? '';
  return pairs;
}
