import { CheckError, type CloneMethod, UsageError } from '@spica/core';
import { readChargesNow, switchChargesOn } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/**
 * Sees to what a pool's caps need before it is served: with `disk.hard_cap` simple quotas are switched on for its btrfs.
 * Throws UsageError CONFIG_INVALID for `disk.cap` or `disk.hard_cap` where no caps can be kept, CheckError QUOTAS_REFUSED,
 * QUOTAS_OTHER where its btrfs keeps quotas of the older kind, and IMAGE_NO_QUOTAS.
 *
 * @param method How the pool clones, as was just found.
 */
export async function requireCharges(
  { image, isCharged, policy, pool }: PoolContext,
  method: CloneMethod,
): Promise<void> {
  const { root } = pool.paths;
  const setting = (key: string) => `pools.${pool.name}.disk.${key}`;
  if (!isCharged && policy.disk.cap !== 'max') {
    throw new UsageError(
      'CONFIG_INVALID',
      `${setting('cap')}: expected max, got "${policy.disk.cap}": the kernel caps instances only in an image, or on a ` +
        'btrfs with hard_cap: true',
    );
  }
  if (!isCharged) return;
  if (!image) {
    if (method !== 'snapshot') {
      throw new UsageError(
        'CONFIG_INVALID',
        `${setting('hard_cap')}: expected false, got true: ${root} is on no btrfs that clones by snapshot`,
      );
    }
    switchChargesOn(pool);
  }
  if (await readChargesNow(root)) return;
  if (!image) {
    throw new CheckError(
      'QUOTAS_OTHER',
      `${setting('hard_cap')}: the btrfs of ${root} keeps quotas of the older kind: expected none, or simple ones ` +
        '(`btrfs quota disable` switches them off, where nobody else needs them)',
      { root },
    );
  }
  throw new CheckError(
    'IMAGE_NO_QUOTAS',
    `pool ${pool.name}: what instances in its image are charged cannot be read: expected a btrfs with simple quotas ` +
      '(`spica init --image` switches them on), and the rights of root',
    { root },
  );
}
