import { type Catalog, type CatalogInstance, toInstanceView } from '@spica/catalog';
import { CheckError, formatBytes, systemClock } from '@spica/core';
import { closeQueues, openQueues, type SampleResult } from '@spica/queues';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import { parseInstanceId } from '../input/ids.ts';
import type { Invocation } from '../io.ts';
import { type Column, writeJson, writeRows } from '../output/write.ts';
import { runServedJob } from '../wait/served-job.ts';

/** `spica sample [ID…]`: has the worker measure these instances, or those that are due, and prints their sizes. */
export async function sample({ io, args, options }: Invocation): Promise<number> {
  const ids = args.map((id) => parseInstanceId('id', id));
  const { config } = await loadConfig(io, options);
  const policy = choosePool(config, options.pool);
  const pool = policy.name;
  return withRedis(config, async (redis) => {
    const catalog = await openOwnCatalog(redis, policy);
    await requireKnown(catalog, pool, ids);
    const queues = openQueues(pool, redis);
    const payload = { pool, ids: ids.length > 0 ? ids : null };
    const result = (await runServedJob(queues, 'sample', payload, { io, redis })) as SampleResult;
    await closeQueues(queues);
    const measured = await catalog.getMany(result.measured);
    if (options.json) {
      writeJson(io.stdout, {
        pool,
        measured: measured.map((each) => toInstanceView(each, systemClock.now(), null)),
        vanished: result.vanished,
      });
      return 0;
    }
    writeRows(io.stdout, SIZE_COLUMNS, measured);
    for (const id of result.vanished) io.stderr.write(`vanished meanwhile: ${id}\n`);
    if (io.stdout.isTTY && measured.length === 0) io.stderr.write('no instance is due to be measured\n');
    return 0;
  });
}

async function requireKnown(catalog: Catalog, pool: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    if (!(await catalog.get(id)))
      throw new CheckError('INSTANCE_UNKNOWN', `id: no instance ${id} in pool ${pool}`);
  }
}

const bytes = (
  title: string,
  of: (instance: CatalogInstance) => number | undefined,
): Column<CatalogInstance> => ({
  title,
  text: (instance) => formatBytes(of(instance) ?? 0),
  raw: (instance) => of(instance) ?? null,
  align: 'right',
});

const SIZE_COLUMNS: readonly Column<CatalogInstance>[] = [
  { title: 'id', text: ({ record }) => record.id },
  bytes('allocated', ({ record }) => record.sample?.allocatedBytes),
  bytes('apparent', ({ record }) => record.sample?.apparentBytes),
  { title: 'inodes', text: ({ record }) => String(record.sample?.inodes ?? ''), align: 'right' },
];
