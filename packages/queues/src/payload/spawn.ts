import { isInstanceId } from '@spica/core';
import * as z from 'zod';
import { spawnRequestSchema } from './request.ts';

/** A `prepare` job of the spawn queue: bring the prepared snapshot of a template up to date. */
export const preparePayloadSchema = z.strictObject({
  pool: z.string().min(1),
  request: z.string().min(1),
  template: z.string().min(1),
});
export type PreparePayload = z.infer<typeof preparePayloadSchema>;

/** A `spawn` job of the spawn queue: one instance of a request that holds a reservation. */
export const spawnPayloadSchema = z.strictObject({
  pool: z.string().min(1),
  request: z.string().min(1),
  index: z.int().min(0),
  id: z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab'),
  fingerprint: z.string().min(1),
  generation: z.int().min(0),
  /** The size that it was admitted with, and until it reaches that is expected to grow to. */
  predicted: z.strictObject({ bytes: z.int().min(0), inodes: z.int().min(0) }),
  ...spawnRequestSchema.pick({
    template: true,
    params: true,
    parent: true,
    experiment: true,
    labels: true,
    notes: true,
    lease: true,
    ttlMs: true,
  }).shape,
});
export type SpawnPayload = z.infer<typeof spawnPayloadSchema>;

export interface PrepareResult {
  readonly fingerprint: string;
}

export interface SpawnResult {
  readonly id: string;
  readonly path: string;
}
