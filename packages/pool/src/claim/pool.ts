import { join } from 'node:path';
import { CheckError, type Clock } from '@spica/core';
import type { Pool } from '../layout.ts';
import { type Claim, claim } from './acquire.ts';

/** The right to serve a pool. */
export type PoolLock = Claim;

/** Claims a pool for this process. Throws CheckError POOL_SERVED that names the process which serves it. */
export function lockPool(pool: Pool, { clock }: { clock: Clock }): Promise<PoolLock> {
  return claim(pool.paths.servedBy, {
    purpose: 'spica up',
    clock,
    refused: (holder) => poolServed(pool.name, holder),
  });
}

/** The error for a pool that another process serves. */
export function poolServed(pool: string, holder: string): CheckError {
  return new CheckError('POOL_SERVED', `pool ${pool}: served already by ${holder}`, { holder });
}

/**
 * Claims the right to delete in a pool, for one run: the worker's pruner and `spica prune --offline` exclude each
 * other. Throws CheckError PRUNE_BUSY that names who deletes.
 */
export function lockDeletion(pool: Pool, options: { clock: Clock; purpose: string }): Promise<Claim> {
  return claim(join(pool.paths.own, 'deleting.json'), {
    ...options,
    refused: (holder) =>
      new CheckError('PRUNE_BUSY', `pool ${pool.name}: ${holder} is deleting in it`, { holder }),
  });
}
