import { ownBytes, RefusedError } from '@spica/core';
import { isSubvolume, type Prepared, readLineage, readManifest } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/**
 * A live instance as what others are cloned from: each clone is a snapshot of it as it is at that moment, whoever works in
 * it. Throws RefusedError FORK_SOURCE_GONE, or FORK_NEEDS_SNAPSHOT where a clone would be a copy, into which changes could
 * come meanwhile.
 */
export async function forkSource(ctx: PoolContext, id: string): Promise<Prepared> {
  const path = ctx.pool.pathOf(id);
  const known = await ctx.catalog.get(id);
  const manifest = known && known.state !== 'deleting' ? await readManifest(ctx.pool, id) : null;
  if (!known || !manifest) {
    throw new RefusedError('FORK_SOURCE_GONE', `from: no instance ${id} in pool ${ctx.pool.name} (any more)`);
  }
  if (ctx.method !== 'snapshot' || !(await isSubvolume(path))) {
    throw new RefusedError(
      'FORK_NEEDS_SNAPSHOT',
      `from: instance ${id} cannot be forked: expected a btrfs snapshot, as in a pool in an image; a copy of it could ` +
        'take in what changes meanwhile',
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
    allocatedBytes: ownBytes(known.record) ?? 0,
    inodes: 0,
    division: null,
  };
}
