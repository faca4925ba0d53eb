import type { Catalog } from '@spica/catalog';
import { type Finished, type InstanceRecord, ownSizeOf, splitReplicas } from '@spica/core';

/**
 * Keeps what an instance has become among the sizes of its template, its experiment and their replicas: called when
 * nothing more is expected of it, and again (it counts once) when it is deleted. Resolves with whose profile changed:
 * call `profiles.refresh` when all are kept.
 */
export async function recordFinished(
  catalog: Pick<Catalog, 'recordFinished'>,
  record: InstanceRecord,
): Promise<string[]> {
  const { id, template, experiment, sample, cloned, spawnedAt, replicas, expected } = record;
  if (!sample || !cloned) return []; // never measured, or adopted: nothing is known of how it became what it is
  const split = splitReplicas({
    clone: cloned,
    final: ownSizeOf(sample),
    replicas,
  });
  const grewForMs = Math.max(0, sample.changedAt - (spawnedAt ?? sample.changedAt));
  const finished: Finished = {
    at: sample.at,
    final: split.own,
    clone: cloned,
    grewForMs,
    predicted: expected,
  };
  const of = [`template:${template}`, ...(experiment === null ? [] : [`experiment:${experiment}`])];
  for (const each of of) await catalog.recordFinished(each, id, finished);
  if (split.each === null) return of;
  const replica = `replica:${template}`;
  await catalog.recordFinished(replica, id, {
    ...finished,
    final: split.each,
    clone: NOTHING,
    predicted: null,
  });
  return [...of, replica];
}

const NOTHING = { bytes: 0, inodes: 0 };
