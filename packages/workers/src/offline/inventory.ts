import type { BeginDelete, CatalogInstance } from '@spica/catalog';
import { type InstanceRecord, leaseInForce } from '@spica/core';
import {
  listRecords,
  listTrash,
  type Pool,
  readRecord,
  scanPool,
  type TrashEntry,
  writeRecord,
} from '@spica/pool';
import type { Inventory } from '../pruner/inventory.ts';
import type { UnknownDirectory } from '../pruner/unknown.ts';

/** For so long after its spawn an instance's request may not have ended, for all that the disk can say. */
const IN_FLIGHT_MS = 3_600_000;

/** What a pool's disk says of its instances. */
export interface OnDisk {
  readonly records: readonly InstanceRecord[];
  readonly trash: readonly TrashEntry[];
  /** Instances that have a record, by id. */
  readonly ids: readonly string[];
  /** What is left alone, and why. */
  readonly unknown: readonly UnknownDirectory[];
}

/** Reads manifests, records and trash. Changes nothing. */
export async function readPoolDisk(pool: Pool): Promise<OnDisk> {
  const [{ instances, unknownDirectories }, { records, broken }, trash] = await Promise.all([
    scanPool(pool),
    listRecords(pool),
    listTrash(pool),
  ]);
  const recorded = new Set(records.map(({ id }) => id));
  const unreadable = new Map(broken.map(({ id, reason }) => [id, reason]));
  const ids = instances.map(({ id }) => id);
  const unrecorded = ids
    .filter((id) => !recorded.has(id))
    .map((id) => ({ name: id, reason: unreadable.get(id) ?? 'Spica has no record of it' }));
  return {
    records,
    trash,
    ids: ids.filter((id) => recorded.has(id)),
    unknown: [...unknownDirectories, ...unrecorded],
  };
}

/**
 * The instances of a pool without Redis: as Redis last knew them where it can still be read, else by their records. What
 * has no record is not listed, and so not touched. Nothing marks what is being deleted: the pool's claim to delete keeps
 * everybody else out. Deletions are judged once more by the record, as it is then.
 *
 * @param known What Redis says where it can be read, though not written; empty where it cannot.
 * @param now The time by which leases are judged, epoch milliseconds.
 */
export function recordInventory(
  pool: Pool,
  { records, ids }: OnDisk,
  { known, now }: { readonly known: ReadonlyMap<string, CatalogInstance>; readonly now: () => number },
): Inventory {
  const recordOf = new Map(records.map((record) => [record.id, record]));
  const listed = ids
    .flatMap((id) => known.get(id) ?? byRecord(recordOf.get(id), now()))
    .sort((a, b) => (a.record.spawnedAt ?? 0) - (b.record.spawnedAt ?? 0));
  return {
    async *list() {
      yield* listed;
    },
    getMany: async (wanted) => listed.filter(({ record }) => wanted.includes(record.id)),
    totals: async () => ({ instances: listed.length, reservedSlots: 0 }),
    hasEarly: async () => listed.some(({ record }) => record.ttlMs !== null || record.discarded),
    share: async () => 1,
    async begin(id): Promise<BeginDelete> {
      const record = await readRecord(pool, id);
      if (!record) return { outcome: 'absent' };
      return (
        sayProtection(record, now()) ?? sayProtection(known.get(id)?.record, now()) ?? { outcome: 'begun' }
      );
    },
    noteFailure: async () => false,
    async noteCollected(id, collected) {
      const at = listed.findIndex(({ record }) => record.id === id);
      const known = listed[at];
      if (!known) return;
      const record = { ...known.record, collected };
      listed[at] = { ...known, record };
      await writeRecord(pool, record);
    },
    noteCollectFailure: async () => undefined,
    end: async () => undefined,
    remember: async () => undefined, // nobody to tell: Redis is away
  };
}

/** Nothing on disk says what a plan has met. */
const UNTRIED = { failure: null, collectFailure: null, unsaved: null, sizes: [] };

/** Nothing on disk says whether a request has ended: what was spawned within the last hour counts as in flight. */
function byRecord(record: InstanceRecord | undefined, now: number): CatalogInstance[] {
  if (!record) return [];
  const { request, spawnedAt } = record;
  const isFresh = spawnedAt === null || now - spawnedAt < IN_FLIGHT_MS;
  if (request === null || !isFresh) return [{ record, state: 'ready', request: null, ...UNTRIED }];
  const known = `${request}, as far as the disk can say,`;
  return [{ record, state: 'in-flight', request: known, ...UNTRIED }];
}

function sayProtection(record: InstanceRecord | undefined, now: number): BeginDelete | null {
  if (!record) return null;
  if (record.pin) return { outcome: 'pinned', pin: record.pin };
  const lease = leaseInForce(record, now);
  return lease && { outcome: 'leased', owner: lease.owner, expiresAt: lease.expiresAt };
}
