import { CheckError } from '@spica/core';
import type { Pool } from '../layout.ts';
import { enableSimpleQuotas } from '../native/btrfs-quota.ts';

/**
 * Switches simple quotas on for the whole filesystem that a pool is on; does nothing where quotas are on, of whichever
 * kind. What was written before is charged to nobody. Needs root. Throws CheckError QUOTAS_REFUSED.
 */
export function switchChargesOn({ name, paths }: Pool): void {
  try {
    enableSimpleQuotas(paths.root);
  } catch (cause) {
    throw new CheckError(
      'QUOTAS_REFUSED',
      `pool ${name}: simple quotas could not be switched on for the btrfs of ${paths.root} (${(cause as Error).message}): ` +
        'expected Linux 6.7 or newer, and the rights of root',
      { root: paths.root },
      cause,
    );
  }
}
