import type { InstanceRecord } from '@spica/core';
import type { PoolContext } from '../context.ts';

/**
 * Keeps what an instance has become among the sizes of its template and experiment: called when nothing more is
 * expected of it, and again (it counts once) when it is deleted.
 */
export async function recordFinalSize(
  { catalog }: Pick<PoolContext, 'catalog'>,
  record: InstanceRecord,
): Promise<void> {
  const { id, template, experiment, sample } = record;
  if (!sample) return;
  const size = { id, at: sample.at, bytes: sample.ownBytes, inodes: sample.inodes };
  await catalog.recordSize(`template:${template}`, size);
  if (experiment !== null) await catalog.recordSize(`experiment:${experiment}`, size);
}
