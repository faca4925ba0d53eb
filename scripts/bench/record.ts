import { type InstanceRecord, newRecord } from '@spica/core';

interface Measured {
  /** Epoch milliseconds. */
  readonly spawnedAt: number;
  readonly bytes: number;
  readonly lease: Pick<NonNullable<InstanceRecord['lease']>, 'expiresAt' | 'since'>;
}

/** The record of instance number `n` of a large pool: measured, every fifth leased, of 100 experiments. */
export function numberedRecord(n: number, { spawnedAt, bytes, lease }: Measured): InstanceRecord {
  const measured = { bytes, inodes: 20_000 };
  const size = { allocatedBytes: bytes, apparentBytes: bytes, inodes: 20_000, ownBytes: bytes };
  return newRecord({
    id: `spica-${n.toString(16).padStart(12, '0')}`,
    pool: 'main',
    request: `request-${n >> 3}`,
    index: n % 8,
    template: 'default',
    templateVersion: '1.0.0',
    fingerprint: '0'.repeat(64),
    cloneMethod: 'copy',
    clonedAt: spawnedAt,
    cloned: measured,
    predicted: measured,
    expected: measured,
    replicas: 0,
    by: null,
    parent: null,
    generation: 0,
    experiment: `experiment-${n % 100}`,
    labels: {},
    spawnedAt,
    sample: { at: spawnedAt, changedAt: spawnedAt, ...size },
    lease: n % 5 === 0 ? { owner: `runner-${n % 50}`, tokenHash: 'f'.repeat(64), ...lease } : null,
    score: null,
    ttlMs: null,
    collect: [],
  });
}
