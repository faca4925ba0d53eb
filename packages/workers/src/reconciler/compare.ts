import { isDeepStrictEqual } from 'node:util';
import type { CatalogInstance } from '@spica/catalog';
import { type InstanceRecord, isInstanceId, usedUntil } from '@spica/core';
import { checkMarker, listRecords, listTrash, scanPool } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { checkIdentity } from '../identity.ts';
import type { UnknownDirectory } from '../pruner/unknown.ts';
import { readMirrored } from '../runtime/mirrored.ts';
import { type Adoptable, toAdoptable } from './adopt.ts';
import { findEnded, type Orphan } from './requests.ts';

/** Where disk and catalog differ. */
export interface Drift {
  /** The catalog was empty: Redis was lost, or this pool is new to it. */
  readonly lost: boolean;
  /** Redis knows of fewer changes than the disk: it has lost some that it had acknowledged. */
  readonly rolledBack: boolean;
  readonly adoptable: readonly Adoptable[];
  /** In the catalog, but not on disk. */
  readonly vanished: readonly InstanceRecord[];
  /** A deletion was begun and not ended. */
  readonly interrupted: readonly { readonly id: string; readonly onDisk: boolean }[];
  readonly unknownDirectories: readonly UnknownDirectory[];
  /** Records that cannot be read of what the catalog does not know: nothing is made of it, it may be pinned or leased. */
  readonly brokenRecords: readonly { readonly name: string; readonly reason: string }[];
  /** What the catalog knows of instances whose record on disk says otherwise, or is missing: a crash, or a lost file. */
  readonly outdatedRecords: readonly InstanceRecord[];
  /** Records of instances that are neither on disk nor in the catalog. */
  readonly staleRecords: readonly string[];
  /** Instances that Redis says less of than their records do, when it was lost or rolled back: that comes back. */
  readonly protections: readonly InstanceRecord[];
  /** Ended requests whose instances the catalog still calls in flight. */
  readonly orphans: readonly Orphan[];
  readonly trash: number;
  /** Instances on disk, known or not, whole or not. */
  readonly onDisk: number;
}

/**
 * Compares disk and catalog. Changes nothing. Throws what `checkMarker` throws, since an unmounted disk looks empty, and
 * what `checkIdentity` throws, since another pool's instances are not there.
 */
export async function compare(ctx: PoolContext): Promise<Drift> {
  await checkMarker(ctx.pool);
  await checkIdentity({ name: ctx.pool.name, root: ctx.pool.paths.root }, ctx.catalog);
  const [reconciled, changes, mirrored] = await Promise.all([
    ctx.catalog.reconciled(),
    ctx.catalog.changes(),
    readMirrored(ctx.pool),
  ]);
  const lost = reconciled === null;
  const isBehind = changes < mirrored;
  const catalog = await Array.fromAsync(ctx.catalog.list());
  // After the catalog: what came up since is on disk and unknown, but its request has not ended.
  const [{ instances, unknownDirectories }, { records, broken }, inFlight] = await Promise.all([
    scanPool(ctx.pool),
    listRecords(ctx.pool),
    ctx.catalog.inFlight(),
  ]);
  // What cannot be read of an instance right now (its manifest is half written, or torn) has not vanished.
  const onDisk = new Set([...instances.map(({ id }) => id), ...unknownDirectories.map(({ name }) => name)]);
  const known = new Map(catalog.map((instance) => [instance.record.id, instance]));
  const unreadable = broken.filter(({ id }) => !known.has(id));
  const recordOf = new Map(records.map((record) => [record.id, record]));
  const isComingUp = await findComingUp(
    ctx,
    records.filter(({ id }) => !known.has(id)),
  );
  const isUnreadable = (id: string) => unreadable.some((record) => record.id === id);
  const unknown = instances.filter(({ id }) => !known.has(id) && !isComingUp(id) && !isUnreadable(id));
  const listed = catalog.filter(({ state, record }) => state !== 'deleting' && onDisk.has(record.id));
  const adoptable = await Promise.all(
    unknown.map((found) => toAdoptable(ctx, found, recordOf.get(found.id))),
  );
  return {
    lost,
    rolledBack: !lost && isBehind,
    adoptable: adoptable.filter((each) => each !== null),
    vanished: await filterVanished(ctx, catalog, onDisk),
    interrupted: catalog
      .filter(({ state }) => state === 'deleting')
      .map(({ record: { id } }) => ({ id, onDisk: onDisk.has(id) })),
    unknownDirectories,
    brokenRecords: unreadable.map(({ name, reason }) => ({ name, reason })),
    outdatedRecords: listed
      .map(({ record }) => record)
      .filter((record) => isOutdated(recordOf.get(record.id), record)),
    protections: lost || isBehind ? findProtections(listed, recordOf) : [],
    staleRecords: records
      .map(({ id }) => id)
      .filter((id) => !onDisk.has(id) && !known.has(id) && !isComingUp(id)),
    orphans: await findEnded(ctx, inFlight.values()),
    trash: (await listTrash(ctx.pool)).length,
    onDisk: [...onDisk].filter(isInstanceId).length,
  };
}

/** Which instances without an entry in the catalog belong to requests that have not ended, by their records. */
async function findComingUp(
  ctx: PoolContext,
  unlisted: readonly InstanceRecord[],
): Promise<(id: string) => boolean> {
  const ended = await findEnded(
    ctx,
    unlisted.flatMap(({ request }) => request ?? []),
  );
  const isOver = new Set(ended.map(({ request }) => request));
  const comingUp = unlisted.filter(({ request }) => request !== null && !isOver.has(request));
  const ids = new Set(comingUp.map(({ id }) => id));
  return (id) => ids.has(id);
}

/** What protected an instance by its record, and does not by the catalog. */
function findProtections(
  listed: readonly CatalogInstance[],
  recordOf: ReadonlyMap<string, InstanceRecord>,
): InstanceRecord[] {
  return listed.flatMap(({ record: known }) => {
    const onDisk = recordOf.get(known.id);
    if (!onDisk) return [];
    const isPinned = onDisk.pin !== null && known.pin === null;
    const isLeasedLonger = (onDisk.lease?.expiresAt ?? 0) > (known.lease?.expiresAt ?? 0);
    const isUsedLonger = (onDisk.releasedAt ?? 0) > (usedUntil(known) ?? 0);
    return isPinned || isLeasedLonger || isUsedLonger || isToBeCollected(onDisk, known) ? [onDisk] : [];
  });
}

/** Whether an instance's record says of what it is to be collected, and the catalog says nothing. */
export function isToBeCollected(onDisk: InstanceRecord, known: InstanceRecord): boolean {
  return onDisk.collect.length > 0 && known.collect.length === 0;
}

const FIELDS = [
  'lease',
  'lastLeasedAt',
  'releasedAt',
  'discarded',
  'pin',
  'ttlMs',
  'score',
  'collect',
  'collected',
] as const;

/** What only the catalog and the record know, and neither manifest nor disk. Samples are not mirrored one by one. */
function isOutdated(onDisk: InstanceRecord | undefined, known: InstanceRecord): boolean {
  if (!onDisk) return true;
  return FIELDS.some((field) => !isDeepStrictEqual(onDisk[field], known[field]));
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
