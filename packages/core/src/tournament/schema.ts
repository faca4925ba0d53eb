import * as z from 'zod';
import type { ReplicaResult, TournamentHead, TournamentRecord } from './record.ts';

const count = z.int().min(0);
const json = z.json();

export const replicaResultSchema = z.object({
  replica_id: z.string().max(500),
  instance_id: z.string(),
  status: z.string().min(1).max(100),
  metrics: z.record(z.string(), json).default({}),
  error: z.string().max(2_000).nullable().default(null),
}) satisfies z.ZodType<ReplicaResult>;

const countsSchema = z.object({
  suite_id: z.string(),
  total_replicas: count,
  passed: count,
  failed: count,
});

export const tournamentHeadSchema = z.object({
  schema: z.literal('phase.tournament/v1'),
  id: z.string(),
  pool: z.string(),
  suite_id: z.string().min(1).max(200),
  qtime: z.object({ epochs: count, slices_per_epoch: count, replicas_per_slice: count }),
  replica_plan_hash: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits'),
  instances: z.array(z.string()),
  total_replicas: count,
  isolation: z.object({
    cpu_affinity: z.boolean(),
    network_egress: z.boolean(),
    lineage_immutable: z.boolean(),
  }),
  results: countsSchema,
  outcome: z.enum(['finished', 'abandoned']),
  reason: z.string().nullable(),
  champion: z.string().nullable(),
  scores: z.record(z.string(), z.number()),
  began_at: z.iso.datetime(),
  completed_at: z.iso.datetime(),
}) satisfies z.ZodType<TournamentHead>;

export const tournamentRecordSchema = tournamentHeadSchema.extend({
  results: countsSchema.extend({
    results: z.array(replicaResultSchema),
    aggregated_by_instance: z.record(z.string(), json),
  }),
}) satisfies z.ZodType<TournamentRecord>;
