import { type Json, paramSchema, replicaResultSchema } from '@spica/core';
import { MAX_COUNT } from '@spica/queues';
import * as z from 'zod';
import { requestBodySchema } from '../wire/bodies.ts';

/** What `Spica.tournament` takes. Spans of time are milliseconds, or a text like `30s`, `10m`, `1h30m`. */
export interface TournamentOptions {
  /** What the candidates are tried with, like `qa.rag.gold`. */
  suiteId: string;
  /** The parameters of each candidate: an instance for each, all or none. */
  candidates: Record<string, string | number | boolean>[];
  /**
   * The replicas that are run of each candidate. They count in the pre-flight.
   *
   * @default one
   */
  qtime?:
    | {
        epochs?: number | undefined;
        slicesPerEpoch?: number | undefined;
        replicasPerSlice?: number | undefined;
      }
    | undefined;
  /** What the record says of how the replicas are run. Spica sees to neither: by default it says that nobody does. */
  isolation?: { cpuAffinity?: boolean | undefined; networkEgress?: boolean | undefined } | undefined;
  /** @default 'default' */
  template?: string | undefined;
  /** Parameters of all candidates. */
  params?: Record<string, string | number | boolean> | undefined;
  /** Id of the instance that the candidates descend from: the champion before. */
  parent?: string | null | undefined;
  /** By default the suite: with `keep_best`, the best of all its tournaments stay. */
  experiment?: string | undefined;
  labels?: Record<string, string> | undefined;
  notes?: string | undefined;
  /**
   * How long each renewal keeps the candidates: what is left of a tournament whose runner was killed.
   *
   * @default '10m'
   */
  lease?: number | string | undefined;
  /** How long the gate may hold it before it rejects it; by default the pool's `gate.max_wait`. */
  maxWait?: number | string | null | undefined;
  /** Idempotency key: the same key and the same tournament have the same instances, however often it is begun. */
  key?: string | null | undefined;
}

const { template, params, parent, labels, notes, maxWait } = requestBodySchema.shape;
const count = z.int().min(1).default(1);

/** @internal */
export const tournamentOptionsSchema = z.strictObject({
  suiteId: z.string().min(1).max(200),
  candidates: z.array(z.record(z.string(), paramSchema)).min(1).max(MAX_COUNT),
  qtime: z.strictObject({ epochs: count, slicesPerEpoch: count, replicasPerSlice: count }).prefault({}),
  isolation: z
    .strictObject({ cpuAffinity: z.boolean().default(false), networkEgress: z.boolean().default(true) })
    .prefault({}),
  ...{ template, params, parent, labels, notes, maxWait },
  experiment: z.string().min(1).max(200).optional(),
  lease: z.union([z.int(), z.string()]).default('10m'),
  key: z.string().min(1).nullable().default(null),
}) satisfies z.ZodType<unknown, TournamentOptions>;
/** @internal */
export type ReadTournamentOptions = z.output<typeof tournamentOptionsSchema>;

/** How a tournament came out. */
export interface FinishOptions {
  /** How good each candidate is, by its instance: those that have none are left out. */
  scores: Record<string, number>;
  /** The instance that has won; by default the one with the highest score, null for none. */
  champion?: string | null | undefined;
  /**
   * Keeps the champion until it is unpinned. Without, it is kept as long as `retention.keep_best` and
   * `retention.keep_after_lease` say.
   *
   * @default true
   */
  pin?: boolean | undefined;
  /** How each replica came out, for the record. */
  results?: ReplicaOutcome[] | undefined;
  /** What the runner makes of them for each instance, for the record. */
  aggregated?: Record<string, Json> | undefined;
}

/** How a replica of the plan came out; `status` is `pass`, or what kept it from that: `fail`, `timeout`, `oom`. */
export interface ReplicaOutcome {
  replica_id: string;
  instance_id: string;
  status: string;
  metrics?: Record<string, Json> | undefined;
  error?: string | null | undefined;
}

/** @internal */
export const finishOptionsSchema = z.strictObject({
  scores: z.record(z.string(), z.number()),
  champion: z.string().nullable().optional(),
  pin: z.boolean().default(true),
  results: z.array(z.strictObject(replicaResultSchema.shape)).default([]),
  aggregated: z.record(z.string(), z.json()).default({}),
}) satisfies z.ZodType<unknown, FinishOptions>;
/** @internal */
export type ReadFinishOptions = z.output<typeof finishOptionsSchema>;
