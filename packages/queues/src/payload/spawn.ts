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

const sizeSchema = z.strictObject({ bytes: z.int().min(0), inodes: z.int().min(0) });

/** A `spawn` job of the spawn queue: one instance of a request that holds a reservation. */
export const spawnPayloadSchema = z.strictObject({
  pool: z.string().min(1),
  request: z.string().min(1),
  index: z.int().min(0),
  id: z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab'),
  fingerprint: z.string().min(1),
  generation: z.int().min(0),
  /** What it was admitted with, safety and replicas included, and what of that it was expected to become by itself. */
  predicted: sizeSchema,
  expected: sizeSchema,
  replicaCount: z.int().min(0),
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
