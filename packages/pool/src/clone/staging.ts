import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from '../layout.ts';
import { removeTree } from '../remove/remove-tree.ts';

/** A new place for a clone in progress: no two runs of the same job get in each other's way. */
export function stagingPath(pool: Pool, id: string): string {
  return join(pool.paths.staging, `${id}.${randomBytes(4).toString('hex')}`);
}

/**
 * Removes clones that were never finished, except those of the instances in `keep`. To be called while nothing else is
 * being cloned. Throws what `removeTree` throws, when all the rest is removed.
 */
export async function cleanStaging(pool: Pool, keep: ReadonlySet<string>): Promise<void> {
  const names = await readdir(pool.paths.staging);
  const leftovers = names.filter((name) => !keep.has(name.slice(0, name.lastIndexOf('.'))));
  const failures: unknown[] = [];
  for (const name of leftovers) {
    await removeTree(join(pool.paths.staging, name)).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
