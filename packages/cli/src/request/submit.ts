import { type Clock, type Config, type Param, systemClock, UsageError } from '@spica/core';
import { type PoolQueues, type SpawnRequest, submitRequest } from '@spica/queues';
import { chooseTemplate } from '../input/template.ts';

/** A spawn as its submitter says it; what is left out takes the config's value, or none. */
export interface Spawn {
  readonly config: Pick<Config, 'pools'>;
  readonly pool: string;
  readonly count: number;
  readonly template?: string;
  readonly params?: Readonly<Record<string, Param>>;
  readonly parent?: string | null;
  /** The live instance that these are clones of. */
  readonly from?: string | null;
  readonly experiment?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly notes?: string;
  readonly lease?: SpawnRequest['lease'];
  readonly ttlMs?: number | null;
  readonly replicas?: SpawnRequest['replicas'];
  /** Patterns of what is collected of each; null for the template's. */
  readonly collect?: readonly string[] | null;
  /** How long the gate may hold it; null for `gate.max_wait`. */
  readonly maxWaitMs?: number | null;
  /** Idempotency key. */
  readonly key?: string | null;
  readonly clock?: Clock;
}

/** Submits a spawn to its pool's gate and resolves with the request's id. Throws what `submitRequest` throws. */
export async function submitSpawn(queues: PoolQueues, spawn: Spawn): Promise<string> {
  const policy = spawn.config.pools[spawn.pool];
  if (!policy) throw new UsageError('POOL_UNKNOWN', `pool: no pool "${spawn.pool}" in the config`);
  const request = {
    pool: spawn.pool,
    template: spawn.template ?? chooseTemplate(policy, undefined),
    count: spawn.count,
    params: { ...spawn.params },
    parent: spawn.parent ?? null,
    from: spawn.from ?? null,
    experiment: spawn.experiment ?? null,
    labels: { ...spawn.labels },
    notes: spawn.notes ?? '',
    lease: spawn.lease ?? null,
    ttlMs: spawn.ttlMs ?? null,
    replicas: spawn.replicas ?? null,
    collect: spawn.collect ? [...spawn.collect] : null,
    maxWaitMs: spawn.maxWaitMs ?? null,
  };
  return submitRequest(queues, request, { key: spawn.key ?? null, clock: spawn.clock ?? systemClock });
}
