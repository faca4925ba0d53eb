import { isInstanceId } from '@spica/core';
import * as z from 'zod';

const amount = z.strictObject({
  bytes: z.number().min(0),
  inodes: z.number().min(0),
  slots: z.int().min(0),
});

/** A job of the prune queue: apply the pool's retention, make room for a request, or undo a request's instances. */
export const prunePayloadSchema = z.discriminatedUnion('cause', [
  z.strictObject({ pool: z.string().min(1), cause: z.literal('schedule') }),
  z.strictObject({
    pool: z.string().min(1),
    cause: z.literal('operator'),
    /** Stricter or looser limits for this run alone; null means the pool's. */
    maxInstances: z.int().min(0).nullable(),
    maxAgeMs: z.number().min(0).nullable(),
  }),
  z.strictObject({
    pool: z.string().min(1),
    cause: z.literal('request'),
    request: z.string().min(1),
    /** What the request needs, and what of it is missing now. */
    need: amount,
    shortfall: amount,
  }),
  z.strictObject({
    pool: z.string().min(1),
    cause: z.literal('undo'),
    request: z.string().min(1),
    ids: z.array(z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab')),
    reason: z.string(),
  }),
]);
export type PrunePayload = z.infer<typeof prunePayloadSchema>;

/** What one prune run did. */
export interface PruneResult {
  readonly pruned: readonly { readonly id: string; readonly reason: string; readonly bytes: number | null }[];
  readonly kept: number;
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
  /** Directories under the pool's root that are not Spica's, or not yet in the catalog: left alone. */
  readonly strangers: readonly { readonly name: string; readonly reason: string }[];
  readonly reclaimedBytes: number;
  readonly sentence: string;
}
