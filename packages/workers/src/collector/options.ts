import { collectPlace, type InstanceRecord, poolFloor, type Size } from '@spica/core';
import { type CollectOptions, readSpace } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/** What collecting works on, online and offline. */
export type CollectContext = Pick<PoolContext, 'pool' | 'policy' | 'image' | 'clockGuard' | 'logger'> & {
  /** What of the pool's own filesystem is promised to others. */
  readonly promised: () => Size;
};

/**
 * How an instance's results are collected by its pool's config; null where the pool has no place for them. On the pool's own
 * disk they take no room that is promised to others.
 */
export async function optionsFor(
  { pool, policy, image, clockGuard, promised }: Omit<CollectContext, 'logger'>,
  {
    id,
    experiment,
    collect,
    releasedAt,
  }: Pick<InstanceRecord, 'id' | 'experiment' | 'collect' | 'releasedAt'>,
): Promise<CollectOptions | null> {
  const { collectTo: to, collectAs: as, collectMaxGb, disk } = policy;
  if (to === null) return null;
  const { root } = pool.paths;
  const floor = poolFloor(disk, await readSpace(root), image !== null);
  const taken = promised();
  return {
    id,
    experiment,
    dir: pool.pathOf(id),
    patterns: collect,
    to,
    parts: collectPlace(experiment, id),
    as,
    // Whoever released it may have a clock that is ahead of ours.
    at: Math.max(clockGuard.now(), releasedAt ?? 0),
    mostBytes: collectMaxGb * 1e9,
    mostFrom: 'collect_max_gb',
    floor: disk,
    own: {
      dir: root,
      keepFree: { bytes: floor.bytes + taken.bytes, inodes: floor.inodes + taken.inodes },
    },
  };
}
