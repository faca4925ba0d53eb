import type { Qtime } from './replica-plan.ts';

/** Whatever JSON can say. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** How one replica came out. */
export interface ReplicaResult {
  replica_id: string;
  instance_id: string;
  /** `pass`, or what kept it from that, in the runner's words: `fail`, `timeout`, `oom`. */
  status: string;
  metrics: Record<string, Json>;
  error: string | null;
}

/** The results of replicas, counted as older systems did: what has not passed has failed. */
export interface ReplicaCounts {
  suite_id: string;
  total_replicas: number;
  passed: number;
  failed: number;
}

export interface TournamentResults extends ReplicaCounts {
  results: ReplicaResult[];
  /** What the runner makes of them for each instance. */
  aggregated_by_instance: Record<string, Json>;
}

/** A tournament that is over, as lists show it: without what came of each replica. */
export interface TournamentHead {
  schema: 'phase.tournament/v1';
  /** That of the request that spawned the instances. */
  id: string;
  pool: string;
  suite_id: string;
  qtime: Qtime;
  /** SHA-256, hex, of the replica plan (`replicaPlanHash`). */
  replica_plan_hash: string;
  instances: string[];
  total_replicas: number;
  isolation: {
    /** What the runner says of how it ran the replicas. */
    cpu_affinity: boolean;
    network_egress: boolean;
    /** The lineage of every instance was found the same before and after; false where that was not so, or not looked at. */
    lineage_immutable: boolean;
  };
  results: ReplicaCounts;
  outcome: 'finished' | 'abandoned';
  /** Why it was abandoned; null where it was finished. */
  reason: string | null;
  champion: string | null;
  /** By instance. */
  scores: Record<string, number>;
  /** ISO-8601 UTC. */
  began_at: string;
  completed_at: string;
}

/**
 * What is kept of a tournament that is over (`phase.tournament/v1`), in the names of older systems. What Spica adds to
 * theirs: `id`, `pool`, `outcome`, `reason`, `champion`, `scores`, `began_at`.
 */
export interface TournamentRecord extends TournamentHead {
  results: TournamentResults;
}

export function countResults(
  suiteId: string,
  results: readonly ReplicaResult[],
  byInstance: TournamentResults['aggregated_by_instance'] = {},
): TournamentResults {
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
