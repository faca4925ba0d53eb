import { type Collected, collectPatternsSchema, isInstanceId } from '@spica/core';
import * as z from 'zod';
import { askSchema } from './ask.ts';

const instanceId = z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab');

/** Most instances that one job is asked to collect. */
const MOST_IDS = 10_000;

/**
 * A job of the sample queue: measure these instances, or (null) those that are due; raise the cap of one, which its size
 * is compared with; collect the results of these, by these patterns from now on, or (null) those that they have; or tell
 * what was asked.
 */
export const samplePayloadSchema = z.union([
  z.strictObject({ pool: z.string().min(1), ids: z.array(instanceId).nullable() }),
  z.strictObject({
    pool: z.string().min(1),
    grow: z.strictObject({
      id: instanceId,
      capBytes: z.int().min(1),
      /** How long it may be held for want of room; null for `gate.max_wait`. */
      maxWaitMs: z.int().min(0).nullable(),
    }),
  }),
  z.strictObject({
    pool: z.string().min(1),
    collect: z.strictObject({
      ids: z.array(instanceId).min(1).max(MOST_IDS),
      patterns: collectPatternsSchema.nullable(),
    }),
  }),
  z.strictObject({ pool: z.string().min(1), ask: askSchema }),
]);
export type SamplePayload = z.infer<typeof samplePayloadSchema>;

export interface SampleResult {
  readonly measured: readonly string[];
  /** Asked for, but not there (any more). */
  readonly vanished: readonly string[];
}

export interface CollectResult {
  readonly collected: readonly ({ readonly id: string } & Omit<Collected, 'state'>)[];
  /** Nothing is to be collected of these any more. */
  readonly forgone: readonly string[];
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
}
