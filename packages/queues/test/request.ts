import type { SpawnRequest } from '@spica/queues';

/** A request as a runner would submit it. */
export function aRequest(fields: Partial<SpawnRequest> = {}): SpawnRequest {
  return {
    pool: 'main',
    template: 'default',
    count: 1,
    params: {},
    paramsEach: null,
    budget: null,
    parent: null,
    experiment: null,
    labels: {},
    notes: '',
    lease: null,
    ttlMs: null,
    replicas: null,
    collect: null,
    maxWaitMs: null,
    by: null,
    from: null,
    ...fields,
  };
}
