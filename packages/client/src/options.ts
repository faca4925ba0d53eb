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

/** What `Spica.spawn` takes. Spans of time are milliseconds, or a text like `30s`, `10m`, `1h30m`. */
export interface SpawnOptions {
  /** Instances to spawn, all or none. */
  count: number;
  /** @default 'default' */
  template?: string | undefined;
  /** Template parameters: appended to `.env.spica`, and kept in each manifest. */
  params?: Record<string, string | number | boolean> | undefined;
  /** Id of the instance that these descend from. */
  parent?: string | null | undefined;
  experiment?: string | null | undefined;
  labels?: Record<string, string> | undefined;
  notes?: string | undefined;
  /**
   * How long each instance is leased from its spawn; it is renewed for as long as its batch is held. Null, the default, for
   * no lease: then retention may delete an instance as soon as the request has ended.
   */
  lease?: number | string | null | undefined;
  /** 32 hexadecimal digits; a new one by default. Needed with `key`: a request that is made again brings the same. */
  leaseToken?: string | null | undefined;
  /** How long the gate may hold the request before it rejects it; by default the pool's `gate.max_wait`. */
  maxWait?: number | string | null | undefined;
  /** A life of their own, shorter than the policy's. */
  ttl?: number | string | null | undefined;
  /** Artifacts that each instance is going to make: they count in the pre-flight. */
  replicas?: { epochs: number; slicesPerEpoch: number; replicasPerSlice: number } | null | undefined;
  /**
   * What is collected of each instance when its lease ends and before it is deleted, as patterns (`results/**`), to the
   * pool's `collect_to`; an empty list for nothing. By default what the template says.
   */
  collect?: readonly string[] | null | undefined;
  /** Idempotency key: the same key and the same request are submitted once. */
  key?: string | null | undefined;
}

export interface LeaseOptions {
  /** For how long: milliseconds, or a text like `1h`. It is renewed for as long as the lease is held (`HeldLease`). */
  lease: number | string;
  /** Of a lease that is in force already; a new one by default. */
  token?: string | null | undefined;
}

/** Which instances a list has, and in which order. */
export interface ListOptions {
  experiment?: string | undefined;
  template?: string | undefined;
  state?: 'in-flight' | 'ready' | 'deleting' | undefined;
  /** All of these, with these values. */
  labels?: Record<string, string> | undefined;
  /**
   * `spawned`: oldest first. `score`: highest first, those without one last. `size`: largest first.
   *
   * @default 'spawned'
   */
  sort?: 'spawned' | 'score' | 'size' | undefined;
}

/** @internal */
export const spawnOptionsSchema = z.strictObject({
  count: z.int(),
  template: z.string().default('default'),
  params: z.record(z.string(), paramSchema).default({}),
  parent: z.string().nullable().default(null),
  experiment: z.string().nullable().default(null),
  labels: z.record(z.string(), z.string()).default({}),
  notes: z.string().default(''),
  lease: span.nullable().default(null),
  leaseToken: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits')
    .nullable()
    .default(null),
  maxWait: span.nullable().default(null),
  ttl: span.nullable().default(null),
  replicas: z
    .strictObject({ epochs: z.int(), slicesPerEpoch: z.int(), replicasPerSlice: z.int() })
    .nullable()
    .default(null),
  collect: z.array(z.string()).nullable().default(null),
  key: z.string().nullable().default(null),
}) satisfies z.ZodType<unknown, SpawnOptions>;
/** @internal */
export type ReadSpawnOptions = z.output<typeof spawnOptionsSchema>;

/** @internal */
export const leaseOptionsSchema = z.strictObject({
  lease: span,
  token: z.string().nullable().default(null),
}) satisfies z.ZodType<unknown, LeaseOptions>;

/** @internal */
export const listOptionsSchema = z.strictObject({
  experiment: z.string().optional(),
  template: z.string().optional(),
  state: z.enum(['in-flight', 'ready', 'deleting']).optional(),
  labels: z.record(z.string(), z.string()).default({}),
  sort: z.enum(['spawned', 'score', 'size']).default('spawned'),
}) satisfies z.ZodType<unknown, ListOptions>;

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
