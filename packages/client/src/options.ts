import { parsePayload } from '@spica/queues';
import * as z from 'zod';
import type { Asking } from './transport.ts';
import { leaseTokenSchema, planBodySchema, preflightBodySchema, requestBodySchema } from './wire/bodies.ts';
import { listQuerySchema } from './wire/queries.ts';
import { span } from './wire/span.ts';

/** What `Spica.spawn` takes. Spans of time are milliseconds, or a text like `30s`, `10m`, `1h30m`. */
export interface SpawnOptions {
  /** Instances to spawn, all or none. */
  count: number;
  /** @default 'default' */
  template?: string | undefined;
  /** Template parameters: appended to `.env.spica`, and kept in each manifest. */
  params?: Record<string, string | number | boolean> | undefined;
  /** What each instance has beside them, or in their place, by its index; null, the default, where all have the same. */
  paramsEach?: Record<string, string | number | boolean>[] | null | undefined;
  /** What the manifests say that an instance may use, where it is not the config's: Spica sees to none of it. */
  budget?:
    | { cpu?: number | undefined; ramGb?: number | undefined; vramGb?: number | undefined }
    | null
    | undefined;
  /** Id of the instance that these descend from. */
  parent?: string | null | undefined;
  /** Id of the live instance that these are clones of, in place of the template; its parent then, too. */
  from?: string | null | undefined;
  experiment?: string | null | undefined;
  labels?: Record<string, string> | undefined;
  notes?: string | undefined;
  /**
   * How long each instance is leased from its spawn; it is renewed for as long as its batch is held. Null, the default, for
   * no lease: then retention may delete an instance as soon as the request has ended.
   */
  lease?: number | string | null | undefined;
  /**
   * 32 hexadecimal digits. A new one by default; with `key` one that is the same whenever this user submits the request
   * again on this machine. From another machine, it has to be given.
   */
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
  collect?: string[] | null | undefined;
  /** Idempotency key: the same key and the same request are submitted once. Another request under it is refused. */
  key?: string | null | undefined;
}

export interface LeaseOptions {
  /** For how long: milliseconds, or a text like `1h`. It is renewed for as long as the lease is held (`HeldLease`). */
  lease: number | string;
  /** Of a lease that is in force already; a new one by default. */
  token?: string | null | undefined;
  /** Takes it whoever has it; the audit log tells. */
  force?: boolean | undefined;
}

/** How long a call waits. */
export interface CallOptions {
  /**
   * How long this call waits: milliseconds, or a text like `5m`. What it waits for goes on. By default as long as there is
   * somebody to do it.
   */
  timeout?: number | string | undefined;
  signal?: AbortSignal | undefined;
}

export interface GrowOptions extends CallOptions {
  /** How long it may be held for want of room; by default the pool's `gate.max_wait`. */
  maxWait?: number | string | null | undefined;
}

/** What `Spica.preflight` takes: of a request what its admission depends on. */
export type PreflightOptions = Pick<SpawnOptions, 'count' | 'template' | 'experiment' | 'replicas'>;

/** Limits for one plan alone; by default those of the pool. */
export interface PlanOptions {
  maxInstances?: number | null | undefined;
  /** Older ones go: milliseconds, or a text like `3d`. */
  maxAge?: number | string | null | undefined;
  /** Just these, at most 1,000, whatever the limits say; what is leased, pinned, in use or has unsaved work stays. */
  ids?: string[] | null | undefined;
}

/** Which instances a list has, and in which order. */
export interface ListOptions {
  experiment?: string | undefined;
  template?: string | undefined;
  state?: 'in-flight' | 'ready' | 'deleting' | undefined;
  /** All of these, with these values. */
  labels?: Record<string, string> | undefined;
  /** Just these, at most 500. */
  ids?: string[] | undefined;
  /** Stands in the id, experiment, template, submitter, labels or lease's owner, in any case. */
  q?: string | undefined;
  /** Who submitted its request. */
  by?: string | undefined;
  /** `held`: a lease is in force. */
  lease?: 'held' | 'none' | undefined;
  pin?: 'pinned' | 'none' | undefined;
  /** `goes`: the next prune would delete it. */
  rule?: 'keeps' | 'goes' | undefined;
  /** A plan has found work in it that would be lost. */
  unsaved?: 'yes' | undefined;
  /** Of its own, as measured last. */
  minBytes?: number | undefined;
  /**
   * `spawned`: oldest first. `age`: youngest first. `score`: highest first. `size`: largest first. `lease`: whose last lease
   * ends, or ended, soonest first. What has none of it comes last.
   *
   * @default 'spawned'
   */
  sort?: 'spawned' | 'age' | 'score' | 'size' | 'id' | 'experiment' | 'template' | 'lease' | undefined;
  /** By default as `sort` says. */
  order?: 'asc' | 'desc' | undefined;
}

/** @internal */
export const spawnOptionsSchema = requestBodySchema.omit({ leaseOwner: true, leaseTokenHash: true }).extend({
  leaseToken: leaseTokenSchema.nullable().default(null),
  key: z.string().min(1).nullable().default(null),
}) satisfies z.ZodType<unknown, SpawnOptions>;
/** @internal */
export type ReadSpawnOptions = z.output<typeof spawnOptionsSchema>;

/** @internal */
export const leaseOptionsSchema = z.strictObject({
  lease: span,
  token: leaseTokenSchema.nullable().default(null),
  force: z.boolean().default(false),
}) satisfies z.ZodType<unknown, LeaseOptions>;

/** @internal */
export const listOptionsSchema = listQuerySchema
  .omit({ limit: true, cursor: true, offset: true })
  .extend({ minBytes: z.int().min(0).optional() }) satisfies z.ZodType<unknown, ListOptions>;

/** @internal */
export const preflightOptionsSchema = preflightBodySchema satisfies z.ZodType<unknown, PreflightOptions>;

/** @internal */
export const planOptionsSchema = planBodySchema satisfies z.ZodType<unknown, PlanOptions>;

const callOptionsSchema = z.strictObject({ timeout: span.optional() });

/**
 * Throws UsageError PAYLOAD_INVALID.
 *
 * @internal
 */
export function readCall(what: string, { signal, ...options }: CallOptions): Asking {
  const { timeout } = parsePayload(callOptionsSchema, options, what);
  return {
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(signal === undefined ? {} : { signal }),
  };
}
