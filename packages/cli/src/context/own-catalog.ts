import { type Catalog, createCatalog } from '@spica/catalog';
import type { PoolConfig } from '@spica/core';
import { checkIdentity } from '@spica/workers';
import type { Redis } from 'ioredis';

/**
 * Opens the catalog of a pool of the config, before anything is sent to whoever serves it. Throws what `checkIdentity`
 * throws: POOL_FOREIGN where Redis knows another pool by this name.
 */
export async function openOwnCatalog(
  redis: Redis,
  { name, root }: Pick<PoolConfig, 'name' | 'root'>,
): Promise<Catalog> {
  const catalog = createCatalog({ redis, pool: name });
  await checkIdentity({ name, root }, catalog);
  return catalog;
}
