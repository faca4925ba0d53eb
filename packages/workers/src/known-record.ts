import type { InstanceRecord } from '@spica/core';
import { writeRecord } from '@spica/pool';
import type { ServedContext } from './context.ts';

/**
 * Writes what the catalog knows of an instance to its record on disk, and returns it; null where it knows none. Deletions,
 * restores and other writings of the same record exclude it, so an older record never stays, nor one of what is gone. What
 * another process changes meanwhile is marked as changed again, and written next.
 */
export function writeKnownRecord(
  { catalog, pool, perInstance }: Pick<ServedContext, 'catalog' | 'pool' | 'perInstance'>,
  id: string,
): Promise<InstanceRecord | null> {
  return perInstance.run(id, async () => {
    const instance = await catalog.get(id);
    if (!instance) return null;
    if (instance.state !== 'deleting') await writeRecord(pool, instance.record);
    return instance.record;
  });
}
