import type { CatalogInstance } from '@spica/catalog';
import type { InstanceRecord } from '@spica/core';
import { listRecords, listTrash, type Pool, scanPool, type TrashEntry } from '@spica/pool';

/** For so long after its spawn an instance's request may not have ended, for all that the disk can tell. */
const IN_FLIGHT_MS = 3_600_000;

/** What a pool's disk says of its instances. */
export interface OnDisk {
  readonly records: readonly InstanceRecord[];
  readonly trash: readonly TrashEntry[];
  /** Directories with a valid manifest, by id. */
  readonly ids: readonly string[];
  /** What is left alone, and why. */
  readonly strangers: readonly { readonly name: string; readonly reason: string }[];
}

/** Reads manifests, records and trash. Changes nothing. */
export async function readDisk(pool: Pool): Promise<OnDisk> {
  const [{ instances, strangers }, { records, broken }, trash] = await Promise.all([
    scanPool(pool),
    listRecords(pool),
    listTrash(pool),
  ]);
  const known = new Set(records.map(({ id }) => id));
  const unreadable = new Map(broken.map(({ id, reason }) => [id, reason]));
  const ids = instances.map(({ id }) => id);
  const unknown = ids
    .filter((id) => !known.has(id))
    .map((id) => ({ name: id, reason: unreadable.get(id) ?? 'Spica has no record of it' }));
  return { records, trash, ids: ids.filter((id) => known.has(id)), strangers: [...strangers, ...unknown] };
}

/**
 * The instances as the catalog would list them: as Redis last knew them where it can still be read, else by their
 * records. Nothing on disk says whether a request has ended, so what was spawned within the last hour counts as in
 * flight; what has no record is not listed, and so not touched.
 */
export function listByRecords(
  { records, ids }: OnDisk,
  { known, now }: { readonly known: ReadonlyMap<string, CatalogInstance>; readonly now: number },
): CatalogInstance[] {
  const recordOf = new Map(records.map((record) => [record.id, record]));
  return ids.flatMap((id) => {
    const record = recordOf.get(id);
    return known.get(id) ?? (record ? byRecord(record, now) : []);
  });
}

function byRecord(record: InstanceRecord, now: number): CatalogInstance {
  const { request, spawnedAt } = record;
  const isFresh = spawnedAt === null || now - spawnedAt < IN_FLIGHT_MS;
  if (request === null || !isFresh) return { record, state: 'ready', request: null };
  return { record, state: 'in-flight', request: `${request}, as far as the disk can tell,` };
}
