import { isDeepStrictEqual } from 'node:util';
import type { InstanceRecord } from '@spica/core';
import { deleteRecord, writeRecord } from '@spica/pool';
import type { PoolContext } from './context.ts';

/** An instance that changes as often while it is written is left to whoever mirrors changes next. */
const MOST_ROUNDS = 10;

/**
 * Writes what the catalog knows of an instance to its record on disk, and returns it; null where it knows none. Of
 * several that write at once, whoever is last looks at the catalog after its writing, and writes anew where that knows
 * more by then: so an older record never stays. A deletion that comes in between leaves no record behind: if that fails
 * after all, the reconciler writes it anew.
 */
export async function writeKnownRecord(
  { catalog, pool }: Pick<PoolContext, 'catalog' | 'pool'>,
  id: string,
): Promise<InstanceRecord | null> {
  let instance = await catalog.get(id);
  if (!instance) return null;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    if (instance.state === 'deleting') return instance.record;
    await writeRecord(pool, instance.record);
    const now = await catalog.get(id);
    if (!now || now.state === 'deleting') {
      await deleteRecord(pool, id);
      return instance.record;
    }
    if (isDeepStrictEqual(now.record, instance.record)) return now.record;
    instance = now;
  }
  await catalog.putBackDirty([id]);
  return instance.record;
}
