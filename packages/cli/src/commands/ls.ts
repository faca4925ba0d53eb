import type { CatalogInstance } from '@spica/catalog';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import type { Invocation } from '../io.ts';
import { instanceColumns, toInstanceJson } from '../output/instance.ts';
import { writeJson, writeRows } from '../output/write.ts';

/** `spica ls`: the pool's instances, oldest first. */
export async function ls({ io, options }: Invocation): Promise<number> {
  const { config } = await loadConfig(io, options);
  const policy = choosePool(config, options.pool);
  const pool = policy.name;
  const instances: CatalogInstance[] = [];
  await withRedis(config, async (redis) => {
    const catalog = await openOwnCatalog(redis, policy);
    for await (const instance of catalog.list()) instances.push(instance);
  });
  if (options.json) {
    writeJson(io.stdout, { pool, instances: instances.map(toInstanceJson) });
    return 0;
  }
  writeRows(io.stdout, instanceColumns(instances, io.stdout), instances);
  if (io.stdout.isTTY && instances.length === 0) io.stderr.write(`no instances in pool ${pool}\n`);
  return 0;
}
