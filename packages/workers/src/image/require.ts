import { CheckError, UsageError } from '@spica/core';
import { readChargesNow } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/**
 * Checks that what a pool's caps need is there, before it is served. Throws UsageError CONFIG_INVALID for `disk.cap` in a
 * pool that is in no image, CheckError IMAGE_NO_QUOTAS for an image whose btrfs keeps no simple quotas, or tells only root.
 */
export async function requireCharges({ image, policy, pool }: PoolContext): Promise<void> {
  if (!image && policy.disk.cap !== 'max') {
    throw new UsageError(
      'CONFIG_INVALID',
      `pools.${pool.name}.disk.cap: expected max, got "${policy.disk.cap}": the kernel caps instances only in an image`,
    );
  }
  if (!image || (await readChargesNow(pool.paths.root))) return;
  throw new CheckError(
    'IMAGE_NO_QUOTAS',
    `pool ${pool.name}: what instances in its image are charged cannot be read: expected a btrfs with simple quotas ` +
      '(`spica init --image` switches them on), and the rights of root',
    { root: pool.paths.root },
  );
}
