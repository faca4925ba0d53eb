import * as z from 'zod';
import { collectedSchema } from '../collect/collected.ts';

/** How an instance was cloned from its prepared snapshot. */
export const cloneMethodSchema = z.enum(['snapshot', 'reflink', 'copy']);
export type CloneMethod = z.infer<typeof cloneMethodSchema>;

const count = z.int().min(0);

/** One measurement of an instance. Hard links count once. */
export const sampleSchema = z.strictObject({
  /** Epoch milliseconds. */
  at: count,
  /** Bytes that the files occupy on disk. */
  allocatedBytes: count,
  /** Bytes that the files claim to hold. */
  apparentBytes: count,
  inodes: count,
  /** When it was first found to have this size, epoch milliseconds. */
  changedAt: count,
  /**
   * Of the allocated bytes those that would come back with its deletion: a clone may share blocks with its template, and
   * a file may have a name outside.
   */
  ownBytes: count,
  /** Of the inodes those that would come back with it; missing where all would. */
  ownInodes: count.optional(),
  /** Parts of it could not be read, and are not counted. */
  incomplete: z.boolean().optional(),
  /**
   * In an image pool, where the kernel charges each instance for what it writes: the most that it may be charged, null
   * for no cap. Then all sizes are what it is charged, and inodes are not counted. Absent in other pools.
   */
  capBytes: count.nullable().optional(),
});
export type Sample = z.infer<typeof sampleSchema>;

/** What of an instance would come back with its deletion, as it was measured. */
export function ownSizeOf({ ownBytes, ownInodes, inodes }: Sample): { bytes: number; inodes: number } {
  return { bytes: ownBytes, inodes: ownInodes ?? inodes };
}

const sizeSchema = z.strictObject({ bytes: count, inodes: count });

/** The value of a template parameter (`--set KEY=value`). */
export const paramSchema = z.union([z.string(), z.number(), z.boolean()]);
export type Param = z.infer<typeof paramSchema>;

/** In use until `expiresAt`. Whoever has the token may renew or release it. */
export const leaseSchema = z.strictObject({
  owner: z.string(),
  /** SHA-256, hex: the token itself is its holder's alone. */
  tokenHash: z.string(),
  /** Epoch milliseconds. */
  expiresAt: count,
  /** When it was granted, renewals aside; null in what earlier versions wrote. */
  since: count.nullable().default(null),
});
export type Lease = z.infer<typeof leaseSchema>;

/** Keep until unpinned. */
export const pinSchema = z.strictObject({ by: z.string(), why: z.string(), at: count });
export type Pin = z.infer<typeof pinSchema>;

/**
 * What an instance's size, over `max_instance_gb` or at its cap when it was last measured, brings upon it (`on_oversize`); null where
 * it is not over. A boolean is what earlier versions wrote, and all that they acted on.
 */
export const oversizeSchema = z.union([
  z.enum(['warn', 'end_lease']).nullable(),
  z.boolean().transform((isOver) => (isOver ? ('warn' as const) : null)),
]);
export type Oversize = z.infer<typeof oversizeSchema>;

/**
 * What Spica knows of an instance beyond its manifest: kept in the catalog, mirrored to
 * `<root>/.spica/records/<id>.json`, and enough to rebuild the catalog from.
 */
export const instanceRecordSchema = z.strictObject({
  schema: z.literal('spica.record/v1'),
  id: z.string(),
  pool: z.string(),
  /** The request that spawned it and its index there; null for an adopted instance. */
  request: z.string().nullable(),
  index: count.nullable(),
  template: z.string(),
  templateVersion: z.string(),
  /** Fingerprint of the prepared snapshot it was cloned from; null for an adopted instance. */
  fingerprint: z.string().nullable(),
  cloneMethod: cloneMethodSchema.nullable(),
  /** When its files had been cloned, epoch milliseconds: what changed later is its own. Null for an adopted instance. */
  clonedAt: count.nullable(),
  /** Its set-up has not ended: it is not whole, and nobody was told of it. On disk only, and missing otherwise. */
  settingUp: z.literal(true).optional(),
  /** What its clone allocated; null for an adopted instance. */
  cloned: sizeSchema.nullable(),
  /** What it was admitted with, safety and replicas included; null for an adopted instance. */
  predicted: sizeSchema.nullable(),
  /** What of that it was expected to become by itself. */
  expected: sizeSchema.nullable(),
  /** How many replicas it was to run. */
  replicas: count,
  /** Who submitted its request: the name of a token, or `user@host`; null where that is not known. */
  by: z.string().nullable().default(null),
  parent: z.string().nullable(),
  generation: count,
  experiment: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  /** Epoch milliseconds; null when the manifest's `spawned_at` could not be read. */
  spawnedAt: count.nullable(),
  sample: sampleSchema.nullable(),
  lease: leaseSchema.nullable(),
  /** When a lease on it last began or was renewed, epoch milliseconds. */
  lastLeasedAt: count.nullable(),
  /** When its last lease was released, epoch milliseconds; null where none was, or one has begun since. */
  releasedAt: count.nullable().default(null),
  /** Its owner released it with the word that nobody needs it any more. */
  discarded: z.boolean().default(false),
  pin: pinSchema.nullable(),
  /** A life shorter than the policy's. */
  ttlMs: count.nullable(),
  score: z.number().nullable(),
  oversize: oversizeSchema,
  /** Patterns of what is to be collected of it before it is deleted; none for nothing. */
  collect: z.array(z.string()).default([]),
  /** When and where to that was done last; null for never. */
  collected: collectedSchema.nullable().default(null),
});
export type InstanceRecord = z.infer<typeof instanceRecordSchema>;

/** What time and users do to an instance: of one that was just made, nothing yet. */
const UNTOUCHED = {
  sample: null,
  lease: null,
  lastLeasedAt: null,
  releasedAt: null,
  discarded: false,
  pin: null,
  score: null,
  oversize: null,
  collected: null,
} as const satisfies Partial<InstanceRecord>;
type Untouched = Pick<InstanceRecord, keyof typeof UNTOUCHED>;

/** The record of an instance that was just made: what is not given of what time and users do to it is not there yet. */
export function newRecord(
  fields: Omit<InstanceRecord, 'schema' | keyof Untouched> & Partial<Untouched>,
): InstanceRecord {
  return { schema: 'spica.record/v1', ...UNTOUCHED, ...fields };
}

/** Bytes that would come back if the instance were deleted, as last measured; null when it never was. */
export function ownBytes({ sample }: Pick<InstanceRecord, 'sample'>): number | null {
  return sample?.ownBytes ?? null;
}

/** Bytes that are left of an instance's cap for it not to count as being at it: the kernel refuses what is near. */
const AT_CAP_BYTES = 2 ** 20;

/** Whether an instance has written what its cap allows: the kernel refuses what it writes, or will in a moment. */
export function isAtCap({ sample }: Pick<InstanceRecord, 'sample'>): boolean {
  const cap = sample?.capBytes ?? null;
  return sample !== null && cap !== null && sample.ownBytes >= cap - Math.min(AT_CAP_BYTES, cap / 20);
}

/**
 * Inodes that would come back with it, as last measured; null when it never was, or when it is a snapshot, on a
 * filesystem that has no limit of them.
 */
export function ownInodes({
  sample,
  cloneMethod,
}: Pick<InstanceRecord, 'sample' | 'cloneMethod'>): number | null {
  return sample === null || cloneMethod === 'snapshot' ? null : ownSizeOf(sample).inodes;
}

/**
 * When its last lease ended, or ends, epoch milliseconds; null for one that was never leased. Of a release that an earlier
 * version did not note only the lease's last renewal is known.
 */
export function usedUntil({
  lease,
  releasedAt,
  lastLeasedAt,
}: Pick<InstanceRecord, 'lease' | 'releasedAt' | 'lastLeasedAt'>): number | null {
  return lease?.expiresAt ?? releasedAt ?? lastLeasedAt;
}

/** The lease that protects an instance at a time; null where there is none, or it has ended. */
export function leaseInForce({ lease }: Pick<InstanceRecord, 'lease'>, now: number): Lease | null {
  return lease !== null && lease.expiresAt > now ? lease : null;
}
