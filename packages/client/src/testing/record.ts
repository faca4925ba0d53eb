import { countReplicas, type InstanceRecord, newRecord } from '@spica/core';
import type { MemoryRequest } from './request.ts';

/** What is known of an instance that is about to be made. */
export function recordOf(
  { id: request, asked }: MemoryRequest,
  { id, index, generation }: { readonly id: string; readonly index: number; readonly generation: number },
): InstanceRecord {
  const { pool, template, parent, experiment, labels, replicas, ttlMs, by } = asked;
  const now = Date.now();
  return newRecord({
    id,
    pool,
    request,
    index,
    by,
    template,
    templateVersion: '0',
    fingerprint: null,
    cloneMethod: 'copy',
    clonedAt: now,
    cloned: null,
    predicted: null,
    expected: null,
    replicas: replicas === null ? 0 : countReplicas(replicas),
    parent,
    generation,
    experiment,
    labels: { ...labels },
    spawnedAt: now,
    ttlMs,
    collect: [],
  });
}
