import { type InstanceRecord, newRecord } from '@spica/core';
import { type Lineage, type Manifest, spawnedAtOf } from '@spica/pool';

/** What can be known of an instance that has no record: what its manifest and lineage say. */
export function recordFromManifest(
  pool: string,
  manifest: Manifest,
  lineage: Lineage | null,
): InstanceRecord {
  return newRecord({
    id: manifest.spica_id,
    pool,
    request: null,
    index: null,
    template: 'unknown',
    templateVersion: manifest.template_version,
    fingerprint: null,
    cloneMethod: null,
    clonedAt: null,
    cloned: null,
    predicted: null,
    expected: null,
    replicas: 0,
    by: null,
    parent: lineage?.parent_id ?? null,
    generation: lineage?.generation ?? 0,
    experiment: null,
    labels: {},
    spawnedAt: spawnedAtOf(manifest),
    ttlMs: null,
    collect: [],
  });
}
