import { type KnownInstance, ownBytes, RefusedError } from '@spica/core';
import { isSubvolume, measureInstances, type Prepared, readLineage, readManifest } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { targetOf } from '../sampler/target.ts';

/**
 * A live instance as what others are cloned from, whoever works in it: each clone is a snapshot of it as it is at that
 * moment, or a copy that is compared until nothing changed meanwhile. Throws RefusedError FORK_SOURCE_GONE, or
 * FORK_NEEDS_SNAPSHOT in a pool that clones by snapshots, of an instance from before it did.
 */
export async function forkSource(ctx: PoolContext, id: string): Promise<Prepared> {
  const path = ctx.pool.pathOf(id);
  const known = await ctx.catalog.get(id);
  const manifest = known && known.state !== 'deleting' ? await readManifest(ctx.pool, id) : null;
  if (!known || !manifest) throw gone(ctx, id);
  if (ctx.method === 'snapshot' && !(await isSubvolume(path))) {
    throw new RefusedError(
      'FORK_NEEDS_SNAPSHOT',
      `from: instance ${id} cannot be forked: expected a btrfs subvolume, as all that were spawned since pool ` +
        `${ctx.pool.name} clones by snapshots`,
    );
  }
  const lineage = await readLineage(ctx.pool, id);
  return {
    template: known.record.template,
    fingerprint: known.record.fingerprint ?? '',
    path,
    version: manifest.template_version,
    originCommit: lineage?.origin_commit ?? 'unknown',
    templateRef: manifest.template_ref,
    ...(await sizeOf(ctx, known)),
    division: null,
  };
}

/** What a copy of it takes, measured now; for a snapshot, what it wrote itself says what its clones may come to. */
async function sizeOf(ctx: PoolContext, { record }: KnownInstance) {
  if (ctx.method === 'snapshot') return { allocatedBytes: ownBytes(record) ?? 0, inodes: 0 };
  const { id } = record;
  const measured = (await measureInstances(ctx.pool, [targetOf(record)], ctx)).get(id);
  if (!measured) throw gone(ctx, id);
  return { allocatedBytes: measured.allocatedBytes, inodes: measured.inodes };
}

function gone({ pool }: PoolContext, id: string): RefusedError {
  return new RefusedError('FORK_SOURCE_GONE', `from: no instance ${id} in pool ${pool.name} (any more)`);
}
