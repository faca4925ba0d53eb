import { type CatalogInstance, readDepartures } from '@spica/catalog';
import { retentionPolicyOf, systemClock } from '@spica/core';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import type { Invocation } from '../io.ts';
import { type Listed, listedColumns, toListedJson } from '../output/listed.ts';
import { writeJson, writeRows } from '../output/write.ts';

/** `spica ls`: the pool's instances, oldest first, and when each would go. */
export async function ls({ io, options }: Invocation): Promise<number> {
  const { config } = await loadConfig(io, options);
  const policy = choosePool(config, options.pool);
  const pool = policy.name;
  const listed = await withRedis(config, async (redis): Promise<Listed[]> => {
    const catalog = await openOwnCatalog(redis, policy);
    const instances: CatalogInstance[] = [];
    for await (const instance of catalog.list()) instances.push(instance);
    const departures = await readDepartures(catalog, instances, {
      policy: retentionPolicyOf(policy.retention),
      now: systemClock.now(),
    });
    return instances.map((instance) => ({ instance, goes: departures.get(instance.record.id) ?? null }));
  });
  if (options.json) {
    writeJson(io.stdout, { pool, instances: listed.map(toListedJson) });
    return 0;
  }
  writeRows(io.stdout, listedColumns(listed, io.stdout), listed);
  if (io.stdout.isTTY && listed.length === 0) io.stderr.write(`no instances in pool ${pool}\n`);
  return 0;
}
