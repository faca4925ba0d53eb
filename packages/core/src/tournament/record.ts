import * as z from 'zod';

const count = z.int().min(0);

/** How one replica came out. `status`: `pass`, or what kept it from that, in the runner's words (`fail`, `timeout`, `oom`). */
export const replicaResultSchema = z.object({
  replica_id: z.string().max(500),
  instance_id: z.string(),
  status: z.string().min(1).max(100),
  metrics: z.record(z.string(), z.json()).default({}),
  error: z.string().max(2_000).nullable().default(null),
});
export type ReplicaResult = z.output<typeof replicaResultSchema>;

/**
 * What is kept of a tournament that is over (`phase.tournament/v1`), in the names of older systems; what Spica adds to
 * theirs is `id`, `outcome`, `champion`, `scores`, `began_at` and `pool`.
 */
export const tournamentRecordSchema = z.object({
  schema: z.literal('phase.tournament/v1'),
  /** Of the request that spawned the instances, with which it is known. */
  id: z.string(),
  pool: z.string(),
  suite_id: z.string().min(1).max(200),
  qtime: z.object({ epochs: count, slices_per_epoch: count, replicas_per_slice: count }),
  replica_plan_hash: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits'),
  instances: z.array(z.string()),
  total_replicas: count,
  isolation: z.object({
    /** What the runner says of how it ran them. */
    cpu_affinity: z.boolean(),
    network_egress: z.boolean(),
    /** The lineage of every instance was the same before and after; false where that was not verified at the end. */
    lineage_immutable: z.boolean(),
  }),
  results: z.object({
    suite_id: z.string(),
    total_replicas: count,
    passed: count,
    failed: count,
    results: z.array(replicaResultSchema),
    aggregated_by_instance: z.record(z.string(), z.json()),
  }),
  outcome: z.enum(['finished', 'abandoned']),
  champion: z.string().nullable(),
  scores: z.record(z.string(), z.number()),
  /** ISO-8601 UTC. */
  began_at: z.string(),
  completed_at: z.string(),
});
export type TournamentRecord = z.output<typeof tournamentRecordSchema>;

/** A tournament as lists show it: without what came of each replica. */
export const tournamentHeadSchema = tournamentRecordSchema.extend({
  results: tournamentRecordSchema.shape.results.omit({ results: true, aggregated_by_instance: true }),
});
export type TournamentHead = z.output<typeof tournamentHeadSchema>;

/** The results of replicas, counted as older systems did: what has not passed has failed. */
export function countResults(
  suiteId: string,
  results: readonly ReplicaResult[],
  byInstance: TournamentRecord['results']['aggregated_by_instance'],
): TournamentRecord['results'] {
  const passed = results.filter(({ status }) => status === 'pass').length;
  return {
    suite_id: suiteId,
    total_replicas: results.length,
    passed,
    failed: results.length - passed,
    results: [...results],
    aggregated_by_instance: byInstance,
  };
}
