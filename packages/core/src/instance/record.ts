import * as z from 'zod';

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
});
export type Sample = z.infer<typeof sampleSchema>;

/** The value of a template parameter (`--set KEY=value`). */
export const paramSchema = z.union([z.string(), z.number(), z.boolean()]);
export type Param = z.infer<typeof paramSchema>;

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
  /** Allocated bytes that it shares with the prepared snapshot (0 for a copy). */
  sharedBytes: count,
  parent: z.string().nullable(),
  generation: count,
  experiment: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  /** Epoch milliseconds; null when the manifest's `spawned_at` could not be read. */
  spawnedAt: count.nullable(),
  sample: sampleSchema.nullable(),
});
export type InstanceRecord = z.infer<typeof instanceRecordSchema>;

/**
 * Bytes that would come back if the instance were deleted, as far as is known: its last sample less what it shares with
 * the prepared snapshot. Null when it was never measured.
 */
export function ownBytes(record: Pick<InstanceRecord, 'sample' | 'sharedBytes'>): number | null {
  return record.sample && Math.max(0, record.sample.allocatedBytes - record.sharedBytes);
}
