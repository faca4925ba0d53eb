import { scanPool } from '@spica/pool';
import type { PoolContext } from '../context.ts';

export interface UnknownDirectory {
  readonly name: string;
  readonly reason: string;
}

/** What lies under the pool's root and is left alone: not Spica's, or not in the catalog. */
export async function findUnknown(ctx: PoolContext): Promise<UnknownDirectory[]> {
  const { instances, unknownDirectories } = await scanPool(ctx.pool, (names) => ctx.catalog.unlisted(names));
  const unknown = instances.map(({ id }) => ({ name: id, reason: 'not in the catalog (yet)' }));
  return [...unknownDirectories, ...unknown];
}
