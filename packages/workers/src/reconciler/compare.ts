import { isDeepStrictEqual } from 'node:util';
import type { CatalogInstance } from '@spica/catalog';
import { type InstanceRecord, isInstanceId } from '@spica/core';
import { checkMarker, listRecords, listTrash, scanPool } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import type { Stranger } from '../pruner/strangers.ts';
import { type Adoptable, toAdoptable } from './adopt.ts';
import { findOrphans, type Orphan } from './requests.ts';

/** Where disk and catalog differ. */
export interface Drift {
  /** The catalog was empty: Redis was lost, or this pool is new to it. */
  readonly lost: boolean;
  readonly adoptable: readonly Adoptable[];
  /** In the catalog, but not on disk. */
  readonly vanished: readonly InstanceRecord[];
  /** A deletion was begun and not ended. */
  readonly halted: readonly { readonly id: string; readonly onDisk: boolean }[];
  readonly strangers: readonly Stranger[];
  /** Records that cannot be read of what the catalog does not know: nothing is made of it, it may be pinned or leased. */
  readonly brokenRecords: readonly { readonly name: string; readonly reason: string }[];
  /** What the catalog knows of instances whose record on disk says otherwise, or is missing: a crash, or a lost file. */
  readonly outdatedRecords: readonly InstanceRecord[];
  /** Records of instances that are neither on disk nor in the catalog. */
  readonly staleRecords: readonly string[];
  readonly orphans: { readonly reservations: readonly Orphan[]; readonly held: readonly Orphan[] };
  readonly trash: number;
  /** When the last lease that is on disk ends, epoch milliseconds; null without any. */
  readonly lastLeaseEndsAt: number | null;
  /** Instances on disk, known or not, whole or not. */
  readonly onDisk: number;
}

/** Compares disk and catalog. Changes nothing. Throws what `checkMarker` throws: an unmounted disk looks empty. */
export async function compare(ctx: PoolContext): Promise<Drift> {
  await checkMarker(ctx.pool);
  const lost = (await ctx.catalog.reconciled()) === null;
  const catalog = await Array.fromAsync(ctx.catalog.list());
  // After the catalog: what came up since is on disk and unknown, but its request still holds its reservation.
  const [{ instances, strangers }, { records, broken }, reserved] = await Promise.all([
    scanPool(ctx.pool),
    listRecords(ctx.pool),
    ctx.catalog.reservations(),
  ]);
  const inFlight = new Set(reserved.map(({ request }) => request));
  // What cannot be told for an instance right now (its manifest is half written, or torn) has not vanished.
  const onDisk = new Set([...instances.map(({ id }) => id), ...strangers.map(({ name }) => name)]);
  const known = new Map(catalog.map((instance) => [instance.record.id, instance]));
  const unreadable = broken.filter(({ id }) => !known.has(id));
  const recordOf = new Map(records.map((record) => [record.id, record]));
  const isComingUp = (id: string) => {
    const request = recordOf.get(id)?.request ?? null;
    return request !== null && inFlight.has(request);
  };
  const isMute = (id: string) => unreadable.some((record) => record.id === id);
  const unknown = instances.filter(({ id }) => !known.has(id) && !isComingUp(id) && !isMute(id));
  return {
    lost,
    adoptable: await Promise.all(unknown.map((found) => toAdoptable(ctx, found, recordOf.get(found.id)))),
    vanished: await filterVanished(ctx, catalog, onDisk),
    halted: catalog
      .filter(({ state }) => state === 'deleting')
      .map(({ record: { id } }) => ({ id, onDisk: onDisk.has(id) })),
    strangers,
    brokenRecords: unreadable.map(({ name, reason }) => ({ name, reason })),
    outdatedRecords: catalog
      .filter(({ state, record }) => state !== 'deleting' && onDisk.has(record.id))
      .map(({ record }) => record)
      .filter((record) => isOutdated(recordOf.get(record.id), record)),
    staleRecords: records
      .map(({ id }) => id)
      .filter((id) => !onDisk.has(id) && !known.has(id) && !isComingUp(id)),
    orphans: await findOrphans(ctx),
    trash: (await listTrash(ctx.pool)).length,
    lastLeaseEndsAt: lastLeaseOf(records),
    onDisk: [...onDisk].filter(isInstanceId).length,
  };
}

/** What only the catalog and the record know, and neither manifest nor disk. Samples are not mirrored one by one. */
function isOutdated(onDisk: InstanceRecord | undefined, known: InstanceRecord): boolean {
  if (!onDisk) return true;
  return (['lease', 'lastLeasedAt', 'pin', 'ttlMs', 'score'] as const).some(
    (field) => !isDeepStrictEqual(onDisk[field], known[field]),
  );
}

/** Looked at once more: what was deleted between the two readings has not vanished. */
async function filterVanished(
  ctx: PoolContext,
  catalog: readonly CatalogInstance[],
  onDisk: ReadonlySet<string>,
): Promise<InstanceRecord[]> {
  const missing = catalog.filter(({ state, record }) => state !== 'deleting' && !onDisk.has(record.id));
  const now = await ctx.catalog.getMany(missing.map(({ record }) => record.id));
  return now.filter(({ state }) => state !== 'deleting').map(({ record }) => record);
}

function lastLeaseOf(records: readonly InstanceRecord[]): number | null {
  const ends = records.flatMap(({ lease }) => (lease ? [lease.expiresAt] : []));
  return ends.length === 0 ? null : Math.max(...ends);
}
