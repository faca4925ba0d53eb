import { hostname, userInfo } from 'node:os';
import { durationExpected, MAX_DURATION_MS, paramSchema, parseDuration } from '@spica/core';
import * as z from 'zod';

/** A span of time: milliseconds, or a text like `30s`, `10m`, `1h30m`. In the output, milliseconds. */
const span = z
  .union([z.int().min(0).max(MAX_DURATION_MS), z.string()])
  .refine((value) => typeof value === 'number' || parseDuration(value) !== null, {
    error: ({ input }) => durationExpected(input),
  })
  .transform((value) => (typeof value === 'number' ? value : (parseDuration(value) ?? 0)));

/** What `Spica.spawn` takes. Only `count` has no default. */
export const spawnOptionsSchema = z.strictObject({
  /** Instances to spawn, all or none. */
  count: z.int(),
  template: z.string().default('default'),
  /** Template parameters: appended to `.env.spica`, and kept in each manifest. */
  params: z.record(z.string(), paramSchema).default({}),
  /** Id of the instance that these descend from. */
  parent: z.string().nullable().default(null),
  experiment: z.string().nullable().default(null),
  labels: z.record(z.string(), z.string()).default({}),
  notes: z.string().default(''),
  /**
   * How long each instance is leased from its spawn; it is renewed for as long as its batch is held. Null for no lease:
   * then retention may delete an instance as soon as the request has ended.
   */
  lease: span.nullable().default(null),
  /** 32 hexadecimal digits; a new one by default. Needed with `key`: a request that is made again brings the same. */
  leaseToken: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits')
    .nullable()
    .default(null),
  /** How long the gate may hold the request before it rejects it; null for the pool's `gate.max_wait`. */
  maxWait: span.nullable().default(null),
  /** A life of their own, shorter than the policy's. */
  ttl: span.nullable().default(null),
  /** Artifacts that each instance is going to make: they count in the pre-flight. */
  replicas: z
    .strictObject({ epochs: z.int(), slicesPerEpoch: z.int(), replicasPerSlice: z.int() })
    .nullable()
    .default(null),
  /** Idempotency key: the same key and the same request are submitted once. */
  key: z.string().nullable().default(null),
});
export type SpawnOptions = z.input<typeof spawnOptionsSchema>;
export type ReadSpawnOptions = z.output<typeof spawnOptionsSchema>;

export const leaseOptionsSchema = z.strictObject({
  /** For how long. It is not renewed past that unless the lease is held (`HeldLease`). */
  lease: span,
  token: z.string().nullable().default(null),
});
export type LeaseOptions = z.input<typeof leaseOptionsSchema>;

/** Which instances a list has, and in which order. */
export const listOptionsSchema = z.strictObject({
  experiment: z.string().optional(),
  template: z.string().optional(),
  state: z.enum(['in-flight', 'ready', 'deleting']).optional(),
  /** All of these, with these values. */
  labels: z.record(z.string(), z.string()).default({}),
  /** `spawned`: oldest first. `score`: highest first, those without one last. `size`: largest first. */
  sort: z.enum(['spawned', 'score', 'size']).default('spawned'),
});
export type ListOptions = z.input<typeof listOptionsSchema>;

/** Who leases and pins, unless told otherwise: `user@host`. */
export function defaultOwner(): string {
  return `${userName()}@${hostname()}`.slice(0, 200);
}

/** A container may run under a user id that nobody gave a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
