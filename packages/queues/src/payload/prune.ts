import { isInstanceId } from '@spica/core';
import * as z from 'zod';

const instanceId = z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab');

const amount = z.strictObject({
  bytes: z.number().min(0),
  inodes: z.number().min(0),
  slots: z.int().min(0),
});

/** Most instances that one plan deletes because they were chosen: as many as retention deletes in one run. */
export const MOST_CHOSEN = 1_000;

/** Instances that an operator has chosen to be deleted. */
export const chosenIds = z.array(instanceId).min(1).max(MOST_CHOSEN);

/** A job of the prune queue: apply the pool's retention, make room for a request, or undo a request's instances. */
export const prunePayloadSchema = z.discriminatedUnion('cause', [
  z.strictObject({ pool: z.string().min(1), cause: z.literal('schedule') }),
  z.strictObject({
    pool: z.string().min(1),
    cause: z.literal('operator'),
    /** Stricter or looser limits for this run alone; null means the pool's. */
    maxInstances: z.int().min(0).nullable(),
    maxAgeMs: z.number().min(0).nullable(),
    /** Just these, whatever the limits say. */
    ids: chosenIds.optional(),
  }),
  z.strictObject({
    pool: z.string().min(1),
    cause: z.literal('request'),
    request: z.string().min(1),
    /** The instance that the request forks: it does not go for its own forks. */
    from: instanceId.nullable(),
    /** What the request needs, and what of it was missing when it was decided. */
    need: amount,
    shortfall: amount,
  }),
  z.strictObject({
    pool: z.string().min(1),
    /** `reclaim: aggressive`: so much is missing on the disk, whoever took it. */
    cause: z.literal('pressure'),
    shortfall: amount,
  }),
  z.strictObject({
    pool: z.string().min(1),
    /** Exactly the plan that `spica prune --dry-run` sealed under this digest. */
    cause: z.literal('sealed'),
    digest: z.string().min(1),
  }),
  z.strictObject({
    pool: z.string().min(1),
    /** Empty the trash: what is older than its time, or all of it (the disk is full). */
    cause: z.literal('trash'),
    all: z.boolean(),
  }),
  z.strictObject({ pool: z.string().min(1), cause: z.literal('restore'), id: instanceId }),
  /** Compare the disk with the catalog and mend the catalog. It is here since it excludes deletions from elsewhere. */
  z.strictObject({ pool: z.string().min(1), cause: z.literal('reconcile') }),
  /** Remove what came up of a request that failed: the instances of indexes 0 to `count` - 1. */
  z.strictObject({
    pool: z.string().min(1),
    cause: z.literal('undo'),
    request: z.string().min(1),
    count: z.int().min(1),
    reason: z.string(),
  }),
]);
export type PrunePayload = z.infer<typeof prunePayloadSchema>;

/** What a reconcile found and mended, in numbers. The audit log has each change. */
export interface ReconcileResult {
  /** On disk, and not in the catalog before. */
  readonly adopted: number;
  /** Of the adopted those whose lineage does not match their manifest. */
  readonly flagged: number;
  /** In the catalog, but gone from the disk. */
  readonly buried: number;
  /** Requests that have ended, and still held something. */
  readonly givenBack: number;
  /** Records of instances that are not there. */
  readonly recordsRemoved: number;
  readonly unknownDirectories: readonly { readonly name: string; readonly reason: string }[];
  readonly brokenRecords: readonly { readonly name: string; readonly reason: string }[];
  /** Nothing is deleted before this time, epoch milliseconds. */
  readonly graceUntil: number;
}
