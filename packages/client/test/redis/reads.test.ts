import { type Catalog, createCatalog } from '@spica/catalog';
import { NO_LIMITS, resolveConfig, retentionPolicyOf } from '@spica/core';
import type { Redis } from 'ioredis';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { aRecord } from '../../../catalog/test/open.ts';
import { listInstances, readInstance } from '../../src/redis/instances.ts';

/** As many as a large pool has, nearly: what is read is counted, not timed. */
const MANY = 2_000;
const ids = Array.from({ length: MANY }, (_, i) => `spica-${i.toString(16).padStart(12, '0')}`);

let local: LocalRedis;
let redis: Redis;
let catalog: Catalog;
beforeAll(async () => {
  local = await startLocal();
  redis = new Client(local.url);
  catalog = createCatalog({ redis, pool: 'main' });
  const now = Date.now();
  const record = (id: string, i: number) =>
    aRecord(id, { spawnedAt: now - MANY + Math.floor(i / 3), experiment: i % 2 === 0 ? 'even' : 'odd' });
  const { config } = resolveConfig({ file: null, env: {}, flags: {}, cwd: '/', home: '/' });
  const policy = config.pools['main'];
  const retention = policy ? { ...retentionPolicyOf(policy.retention), maxInstances: MANY } : null;
  const size = { bytes: 0, inodes: 0 };
  const sums = { reserved: { ...size, slots: 0 }, growth: size, instances: 0, landed: size, bounds: {} };
  const gate = {
    at: 0,
    sums,
    ownBytes: 0,
    atCap: null,
    orphanedBytes: null,
    root: null,
    disk: null,
    facts: null,
    audit: null,
    limits: NO_LIMITS,
    share: 1,
    retention,
    floorBytes: null,
  };
  await catalog.publishGate(gate, { held: [], heldCount: 0 });
  await Promise.all(ids.map((id, i) => catalog.adopt(record(id, i))));
});
afterAll(async () => {
  redis.disconnect();
  await local.stop();
});

const pool = () => ({ name: 'main', catalog });

/** How many instances are read meanwhile. */
async function readsOf(work: () => Promise<unknown>): Promise<number> {
  const count = async () =>
    Number(/cmdstat_hgetall:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const before = await count();
  await work();
  return (await count()) - before;
}

it('reads of many instances those that are asked for, once all were read', async () => {
  await readInstance(pool(), ids[7] ?? '');
  expect(await readsOf(() => readInstance(pool(), ids[3] ?? ''))).toBeLessThan(10);
  expect(await readsOf(() => listInstances(pool(), { limit: 100 }))).toBeLessThan(200);
  expect(await readsOf(() => catalog.mark(ids[3] ?? '', { score: 3 }))).toBeLessThan(10);
  expect(await readsOf(() => readInstance(pool(), ids[3] ?? ''))).toBeLessThan(10);
});

it('goes through a list in parts, each instance once and the oldest first, and reads each but once', async () => {
  const seen: string[] = [];
  const reads = await readsOf(async () => {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await listInstances(pool(), { limit: 250, ...(cursor && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    }
  });
  expect(seen).toEqual(ids);
  expect(reads).toBeLessThan(MANY * 1.5);
  const odd = await listInstances(pool(), { experiment: 'odd', limit: 2 });
  expect(odd.items.map(({ id }) => id)).toEqual([ids[1], ids[3]]);
});

it('says of an instance what keeps it now, also where all were read before that', async () => {
  const [id = '', other = ''] = [ids[9], ids[10]];
  await readInstance(pool(), other);
  await catalog.mark(id, { pin: { by: 'ada', why: 'baseline', at: 0 } });
  expect((await readInstance(pool(), id)).keptBy).toContain('baseline');
  const page = await listInstances(pool(), { limit: 20 });
  expect(page.items.find((each) => each.id === id)).toMatchObject({ goesAt: null });
  expect((await readInstance(pool(), other)).goesAt).not.toBeNull();
  const fresh = 'spica-ffffffffffff';
  await catalog.adopt(aRecord(fresh, { spawnedAt: Date.now() }));
  expect((await readInstance(pool(), fresh)).goesAt).not.toBeNull();
  expect((await listInstances(pool(), { sort: 'score', limit: 1 })).items[0]?.id).toBe(ids[3]);
});
