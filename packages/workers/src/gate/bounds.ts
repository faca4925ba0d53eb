import { type BoundReading, CheckError, FilesystemTotals, floorOf, type LedgerSums } from '@spica/core';
import { filesystemOf, listTrash, readSpace, readUnwritten } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { type WatchedDisk, watchedDisks } from '../image/watched.ts';
import { bytesOf } from '../pruner/trash.ts';
import { type Filesystem, type Filesystems, findFilesystem } from './filesystem.ts';

/** The id of the bound that is on the pool itself. */
const CEILING = 'ceiling';

/** What a ceiling on the pool itself is, besides what it leaves. */
const OF_CEILING = {
  id: CEILING,
  floorBytes: 0,
  isFreedByDeletion: true,
  unwrittenBytes: 0,
  countedTwiceBytes: 0,
};

/** A further disk that fills with the pool's. */
export interface DiskBelow {
  readonly dir: string;
  readonly filesystem: Filesystem;
}

/**
 * The disks below a pool's own (`watchedDisks`): each once, and not the pool's own. Throws CheckError WATCHED_MISSING for a directory that is not there.
 */
export async function findDisksBelow(
  known: Filesystems,
  ctx: Pick<PoolContext, 'policy' | 'image'>,
): Promise<DiskBelow[]> {
  const { name, root } = ctx.policy;
  const own = await filesystemOf(root);
  const found = new Map<string, DiskBelow>();
  for (const { dir } of watchedDisks(ctx)) {
    const filesystem = await findFilesystem(known, dir).catch((cause: NodeJS.ErrnoException) => {
      const problem = `pool ${name}: ${dir}, which it fills too (disk.also_watch), cannot be looked at (${cause.code})`;
      throw new CheckError('WATCHED_MISSING', problem, { dir }, cause);
    });
    if (filesystem.id !== own && !found.has(filesystem.id)) found.set(filesystem.id, { dir, filesystem });
  }
  return [...found.values()];
}

/** What a pool's ledger sums up besides its own filesystem: each disk below, and what the pool itself takes. */
export function boundTotals(below: readonly DiskBelow[]): Map<string, FilesystemTotals> {
  const totals = below.map(({ filesystem }): [string, FilesystemTotals] => [
    filesystem.id,
    filesystem.totals,
  ]);
  return new Map([...totals, [CEILING, new FilesystemTotals()]]);
}

/**
 * Reads what bounds a pool's bytes besides its own filesystem. Throws what the filesystem says of a disk below.
 *
 * @param sums The ledger's, from before.
 * @param ownBytes What the pool's instances take by themselves.
 */
export async function readBounds(
  ctx: Pick<PoolContext, 'pool' | 'policy' | 'image' | 'templates' | 'quota'>,
  sums: Pick<LedgerSums, 'bounds'>,
  ownBytes: number,
): Promise<BoundReading[]> {
  const { disk } = ctx.policy;
  const landed = (id: string) => sums.bounds[id]?.landedBytes ?? 0;
  const watched = watchedDisks(ctx);
  const floorBytes = floorOf(disk, null).bytes;
  const own = watched.length > 0 ? await filesystemOf(ctx.pool.paths.root) : null;
  const below = watched.map(async (each): Promise<BoundReading[]> => {
    const id = await filesystemOf(each.dir);
    return id === own ? [] : [{ ...(await readDiskBelow(each)), id, floorBytes, landedBytes: landed(id) }];
  });
  const ceiling = await readCeiling(ctx, ownBytes);
  // The first of those on one disk: that of the image knows more of it than one that is watched by name.
  const once = new Map(
    (await Promise.all(below))
      .flat()
      .reverse()
      .map((bound) => [bound.id, bound]),
  );
  return [
    ...once.values(),
    ...(ceiling ? [{ ...ceiling, ...OF_CEILING, landedBytes: landed(CEILING) }] : []),
  ];
}

/** What a further disk has for admitted work. */
async function readDiskBelow({
  dir,
  name,
  image,
}: WatchedDisk): Promise<Omit<BoundReading, 'id' | 'floorBytes' | 'landedBytes'>> {
  const unwritten = image && (await readUnwritten(image)); // from before the disk is read
  const { availableBytes, totalBytes } = await readSpace(dir);
  const unwrittenBytes = unwritten?.bytes ?? 0;
  return {
    name,
    availableBytes: availableBytes - unwrittenBytes,
    unwrittenBytes,
    totalBytes,
    isFreedByDeletion: image !== null,
    countedTwiceBytes: unwritten?.inMemoryBytes ?? 0, // of live instances it is growth, until they are charged for it
  };
}

/** What the pool may still take of its disk, by its policy or by a quota that its writes have met; null without a limit. */
async function readCeiling(
  ctx: Pick<PoolContext, 'pool' | 'policy' | 'templates' | 'quota'>,
  ownBytes: number,
): Promise<Pick<BoundReading, 'name' | 'availableBytes' | 'totalBytes'> | null> {
  const { maxPoolGb } = ctx.policy.disk;
  const most = maxPoolGb === null ? null : maxPoolGb * 1e9;
  const met = ctx.quota.metAt();
  if (most === null && met === null) return null;
  const taken = await takenByPool(ctx, ownBytes);
  if (met !== null && met < (most ?? Number.POSITIVE_INFINITY)) {
    return {
      name: 'under the disk quota that a write has met',
      availableBytes: met - taken,
      totalBytes: most,
    };
  }
  return { name: 'under disk.max_pool_gb', availableBytes: (most ?? 0) - taken, totalBytes: most };
}

/** What a pool takes of its disk: instances, as last measured, trash, and prepared templates. */
export async function takenByPool(
  { pool, templates }: Pick<PoolContext, 'pool' | 'templates'>,
  ownBytes: number,
): Promise<number> {
  const [trash, prepared] = await Promise.all([listTrash(pool), templates.preparedBytes()]);
  return ownBytes + bytesOf(trash) + prepared;
}
