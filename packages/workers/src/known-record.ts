import type { InstanceRecord } from '@spica/core';
import { deleteRecord, writeRecord } from '@spica/pool';
import type { PoolContext } from './context.ts';

/**
 * Writes what the catalog knows of an instance to its record on disk, and returns it; null where it knows none. A
 * deletion that comes in between leaves no record behind: if that fails after all, the reconciler writes it anew.
 */
export async function writeKnownRecord(
  { catalog, pool }: PoolContext,
  id: string,
): Promise<InstanceRecord | null> {
  const instance = await catalog.get(id);
  if (!instance) return null;
  if (instance.state === 'deleting') return instance.record;
  await writeRecord(pool, instance.record);
  const now = await catalog.get(id);
  if (!now || now.state === 'deleting') await deleteRecord(pool, id);
  return instance.record;
}
