import type { InstanceRecord } from '@spica/core';

/** A record of an instance that is pinned, and was spawned in 2023. */
export function aRecord(id: string): InstanceRecord {
  return {
    schema: 'spica.record/v1',
    id,
    pool: 'main',
    request: null,
    index: null,
    template: 'default',
    templateVersion: '1.0.0',
    fingerprint: null,
    cloneMethod: null,
    clonedAt: null,
    cloned: null,
    predicted: null,
    expected: null,
    replicas: 0,
    by: null,
    parent: null,
    generation: 0,
    experiment: null,
    labels: { team: 'a\nb' },
    spawnedAt: 1_700_000_000_000,
    sample: null,
    lease: null,
    lastLeasedAt: null,
    releasedAt: null,
    discarded: false,
    pin: { by: 'eve', why: 'paper', at: 1_700_000_000_000 },
    ttlMs: null,
    score: 0.93,
    oversize: null,
    collect: [],
    collected: null,
  };
}
