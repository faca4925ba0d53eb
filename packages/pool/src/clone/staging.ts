import { randomBytes } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from '../layout.ts';
import { removeTree } from '../remove/remove-tree.ts';

/** A new place for a clone in progress: no two runs of the same job get in each other's way. */
export function stagingPath(pool: Pool, id: string): string {
  return join(pool.paths.staging, `${id}.${randomBytes(4).toString('hex')}`);
}

/**
 * Removes an instance that is not whole, and was never anybody's: out of sight first, so that a crash meanwhile leaves
 * nothing under its name. Throws what `removeTree` throws.
 */
export async function removeStaged(pool: Pool, id: string): Promise<void> {
  const staged = stagingPath(pool, id);
  await rename(pool.pathOf(id), staged);
  await removeTree(staged);
}

/**
 * Removes clones that were never finished. To be called while nothing is being cloned. Throws what `removeTree` throws,
 * when all the rest is removed.
 */
export async function cleanStaging(pool: Pool): Promise<void> {
  const failures: unknown[] = [];
  for (const name of await readdir(pool.paths.staging)) {
    await removeTree(join(pool.paths.staging, name)).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
