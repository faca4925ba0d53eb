import { isDeepStrictEqual } from 'node:util';
import type { CatalogInstance } from '@spica/catalog';
import { type InstanceRecord, isInstanceId, usedUntil } from '@spica/core';
import { checkMarker, listRecords, listTrash, readRecords, scanPool } from '@spica/pool';
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
 *
 * @param onListed Called with each instance that the catalog lists, for whoever would have to read them all once more.
 */
export async function compare(
  ctx: PoolContext,
  onListed: (instance: CatalogInstance) => void = () => undefined,
): Promise<Drift> {
  await checkMarker(ctx.pool);
  await checkIdentity({ name: ctx.pool.name, root: ctx.pool.paths.root }, ctx.catalog);
  const [reconciled, changes, mirrored] = await Promise.all([
    ctx.catalog.reconciled(),
    ctx.catalog.changes(),
    readMirrored(ctx.pool),
  ]);
  const lost = reconciled === null;
  const isBehind = changes < mirrored;
  const listed = await compareListed(ctx, { withProtections: lost || isBehind, onListed });
  const { known } = listed;
  // After the catalog: what came up since is on disk and unknown, but its request has not ended.
  const onDisk = new DiskNames(known);
  const [{ instances, unknownDirectories }, unlisted, inFlight] = await Promise.all([
    scanPool(ctx.pool, async (names) => onDisk.add(names)),
    listRecords(ctx.pool, known),
    ctx.catalog.inFlight(),
  ]);
  const { records, broken } = unlisted;
  const recordOf = new Map(records.map((record) => [record.id, record]));
  const isComingUp = await findComingUp(ctx, records);
  const isUnreadable = (id: string) => broken.some((record) => record.id === id);
  const unknown = instances.filter(({ id }) => !isComingUp(id) && !isUnreadable(id));
  const adoptable = await Promise.all(
    unknown.map((found) => toAdoptable(ctx, found, recordOf.get(found.id))),
  );
  const isThere = ({ id }: InstanceRecord) => onDisk.has(id);
  return {
    lost,
    rolledBack: !lost && isBehind,
    adoptable: adoptable.filter((each) => each !== null),
    vanished: await readStaying(ctx, [...onDisk.missing]),
    interrupted: listed.deleting.map((id) => ({ id, onDisk: onDisk.has(id) })),
    unknownDirectories,
    brokenRecords: broken.map(({ name, reason }) => ({ name, reason })),
    outdatedRecords: listed.outdated.filter(isThere),
    protections: listed.protections.filter(isThere),
    staleRecords: records.map(({ id }) => id).filter((id) => !onDisk.has(id) && !isComingUp(id)),
    orphans: await findEnded(ctx, inFlight.values()),
    trash: (await listTrash(ctx.pool)).length,
    onDisk: onDisk.count,
  };
}

/**
 * Which instances the disk has, whole or not: what cannot be read of one right now (its manifest is half written, or torn)
 * has not vanished. It shares the ids of those that are known, and keeps no copies. `missing`, `has` and `count` hold once
 * all of the root has been added.
 */
class DiskNames {
  readonly #known: ReadonlySet<string>;
  readonly #others = new Set<string>();
  /** Known, and not found yet. */
  readonly missing: Set<string>;
  count = 0;

  constructor(known: ReadonlySet<string>) {
    this.#known = known;
    this.missing = new Set(known);
  }

  /** Takes in names of the pool's root, and returns those that are not known. */
  add(names: readonly string[]): string[] {
    for (const name of names) {
      this.missing.delete(name);
      if (isInstanceId(name)) this.count += 1;
    }
    const others = names.filter((name) => !this.#known.has(name));
    for (const name of others) this.#others.add(name);
    return others;
  }

  has(id: string): boolean {
    return this.#others.has(id) || (this.#known.has(id) && !this.missing.has(id));
  }
}

/** What the catalog lists, as far as it matters: of 100,000 instances only those that differ are kept in memory. */
interface Listed {
  readonly known: ReadonlySet<string>;
  readonly deleting: readonly string[];
  /** What the catalog knows of those whose records say otherwise, or are missing. */
  readonly outdated: readonly InstanceRecord[];
  /** Records of those of which the catalog says less. */
  readonly protections: readonly InstanceRecord[];
}

/** Records that are read at a time: one after another most of the time would pass with waiting for each. */
const AT_ONCE = 8;

async function compareListed(
  { catalog, pool }: PoolContext,
  {
    withProtections,
    onListed,
  }: { readonly withProtections: boolean; readonly onListed: (instance: CatalogInstance) => void },
): Promise<Listed> {
  const known = new Set<string>();
  const deleting: string[] = [];
  const outdated: InstanceRecord[] = [];
  const protections: InstanceRecord[] = [];
  const look = async (instance: CatalogInstance) => {
    const { record, state } = instance;
    onListed(instance);
    known.add(record.id);
    if (state === 'deleting') {
      deleting.push(record.id);
      return;
    }
    const [found] = await Array.fromAsync(readRecords(pool, [record.id]));
    const onDisk = found && 'record' in found ? found.record : undefined;
    if (isOutdated(onDisk, record)) outdated.push(record);
    if (withProtections && onDisk && protectsMore(onDisk, record)) protections.push(onDisk);
  };
  const underWay = new Set<Promise<void>>();
  for await (const instance of catalog.list()) {
    const looking = look(instance).finally(() => underWay.delete(looking));
    underWay.add(looking);
    if (underWay.size >= AT_ONCE) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return { known, deleting, outdated, protections };
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

/** Whether an instance was protected by its record, and is not by the catalog. */
function protectsMore(onDisk: InstanceRecord, known: InstanceRecord): boolean {
  const isPinned = onDisk.pin !== null && known.pin === null;
  const isLeasedLonger = (onDisk.lease?.expiresAt ?? 0) > (known.lease?.expiresAt ?? 0);
  const isUsedLonger = (onDisk.releasedAt ?? 0) > (usedUntil(known) ?? 0);
  return isPinned || isLeasedLonger || isUsedLonger || isToBeCollected(onDisk, known);
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
async function readStaying({ catalog }: PoolContext, ids: readonly string[]): Promise<InstanceRecord[]> {
  const now = await catalog.getMany(ids);
  return now.filter(({ state }) => state !== 'deleting').map(({ record }) => record);
}
