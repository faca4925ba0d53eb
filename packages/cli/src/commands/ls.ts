import type { Catalog } from '@spica/catalog';
import { findInstances, type Judged } from '@spica/client/redis';
import { type Config, EXIT_CODES, type PoolConfig, retentionPolicyOf } from '@spica/core';
import { connectObserver } from '@spica/queues';
import type { Redis } from 'ioredis';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import { type ListAsked, type ListOptions, readListOptions } from '../input/list.ts';
import type { Invocation, Io } from '../io.ts';
import { fitColumns } from '../output/fit.ts';
import { listedColumns, toListedJson } from '../output/listed.ts';
import { writeJsonList, writeLines, writeRows } from '../output/write.ts';

/** Instances that one look at the list brings. */
const PART = 1_000;

interface Listing {
  readonly found: readonly Judged[];
  readonly total: number;
}

/**
 * `spica ls`: the pool's instances and when each would go, by which rule: on a terminal the first 200, in columns that fit; else all
 * of them, unless `--limit` says how many.
 */
export async function ls({ io, options }: Invocation<ListOptions>): Promise<number> {
  const asked = readListOptions(options, io);
  const { config } = await loadConfig(io, options);
  const policy = choosePool(config, options.pool);
  if (options.watch) return watch(io, config, policy, asked);
  return withRedis(config, async (redis) => {
    const catalog = await openOwnCatalog(redis, policy);
    const parts = readParts(catalog, asked, policy);
    const first = await parts.next();
    const { total } = first.value ?? { total: 0 };
    // What takes long to write is not for the stack to write: it has a gate to keep.
    if (Math.min(total, asked.limit) > (io.mostRows ?? Number.POSITIVE_INFINITY)) return EXIT_CODES.check;
    await write(io, all(first.value, parts), { ...options, pool: policy.name, total });
    return 0;
  });
}

async function watch(io: Io, config: Config, policy: PoolConfig, asked: ListAsked): Promise<number> {
  const { watchList } = await import('../output/watch-list.ts');
  const show = async (redis: Redis) => {
    const catalog = await openOwnCatalog(redis, policy);
    return watchList(io, asked, (most) =>
      read(catalog, { ...asked, limit: Math.min(asked.limit, most) }, policy),
    );
  };
  return withRedis(config, show, connectObserver);
}

function read(catalog: Catalog, { query, limit }: ListAsked, policy: PoolConfig): Promise<Listing> {
  const most = Math.min(limit, PART);
  return findInstances({ catalog }, { ...query, limit: most }, retentionPolicyOf(policy.retention));
}

/** Part by part, so that no more than one of them is in memory. */
async function* readParts(
  catalog: Catalog,
  { query, limit }: ListAsked,
  policy: PoolConfig,
): AsyncGenerator<Listing, undefined> {
  let left = limit;
  for (let cursor: string | null | undefined; cursor !== null && left > 0; ) {
    const part = { ...query, limit: Math.min(left, PART), ...(cursor === undefined ? {} : { cursor }) };
    const { found, total, next } = await findInstances(
      { catalog },
      part,
      retentionPolicyOf(policy.retention),
    );
    yield { found, total };
    left -= found.length;
    cursor = next;
  }
}

async function* all(first: Listing | undefined, others: AsyncIterable<Listing>): AsyncGenerator<Judged> {
  yield* first?.found ?? [];
  for await (const { found } of others) yield* found;
}

async function write(
  io: Io,
  listed: AsyncIterable<Judged>,
  { json, quiet, pool, total }: { json?: boolean; quiet?: boolean; pool: string; total: number },
): Promise<void> {
  const { stdout } = io;
  if (json) return writeJsonList(stdout, { pool }, 'instances', listed, toListedJson, { total });
  if (quiet) return writeLines(stdout, listed, ({ instance }) => instance.record.id);
  if (!stdout.isTTY) {
    for await (const part of inParts(listed)) writeRows(stdout, listedColumns(part, stdout), part);
    return;
  }
  const rows = await Array.fromAsync(listed);
  writeRows(stdout, fitColumns(listedColumns(rows, stdout), rows, stdout), rows);
  if (total === 0) io.stderr.write(`no instances in pool ${pool}\n`);
  else if (total > rows.length)
    io.stderr.write(`${total - rows.length} more: --limit, --search and --filter say which are shown\n`);
}

async function* inParts<T>(all: AsyncIterable<T>): AsyncGenerator<T[]> {
  let part: T[] = [];
  for await (const each of all) {
    part.push(each);
    if (part.length < PART) continue;
    yield part;
    part = [];
  }
  yield part;
}
