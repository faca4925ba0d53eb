import { type Catalog, createCatalog, newLeaseToken } from '@spica/catalog';
import { type InstanceRecord, NO_LIMITS, resolveConfig, retentionPolicyOf } from '@spica/core';
import type { Redis } from 'ioredis';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { aRecord, aSample, deletionBy } from '../../../catalog/test/open.ts';
import { listInstances, matchInstances } from '../../src/redis/instances.ts';
import type { ListQuery } from '../../src/wire/queries.ts';

/** Enough that to read them all for each look would show. */
const MANY = 2_000;
const NOW = Date.now();
const idOf = (i: number) => `spica-${i.toString(16).padStart(12, '0')}`;

let local: LocalRedis;
let redis: Redis;
let catalog: Catalog;
beforeAll(async () => {
  local = await startLocal();
  redis = new Client(local.url);
  catalog = createCatalog({ redis, pool: 'main' });
  const { config } = resolveConfig({ file: null, env: {}, flags: {}, cwd: '/', home: '/' });
  const policy = config.pools['main'];
  const retention = policy ? { ...retentionPolicyOf(policy.retention), maxInstances: MANY - 10 } : null;
  const size = { bytes: 0, inodes: 0 };
  const sums = { reserved: { ...size, slots: 0 }, growth: size, instances: 0, landed: size, bounds: {} };
  const figures = { at: 0, sums, ownBytes: 0, atCap: null, orphanedBytes: null, limits: NO_LIMITS };
  const seen = { disk: null, facts: null, audit: null };
  const gate = { ...figures, ...seen, share: 1, retention, floorBytes: null, root: '/pool' };
  await catalog.publishGate(gate, { held: [], heldCount: 0 });
  await catalog.markReconciled({ at: 0, graceUntil: 0 });
  await Promise.all(Array.from({ length: MANY }, (_, i) => catalog.adopt(instance(i))));
  await listInstances({ name: 'main', catalog }, { limit: 1 });
});
afterAll(async () => {
  redis.disconnect();
  await local.stop();
});

/** The lower its number, the older; every 100th has a size, every 200th a score. */
function instance(i: number): InstanceRecord {
  const lease = { owner: 'Grace', tokenHash: 'x', expiresAt: NOW + 1e7, since: NOW };
  return aRecord(idOf(i), {
    spawnedAt: NOW - MANY + i,
    experiment: i % 2 === 0 ? 'even' : null,
    template: i % 10 === 0 ? 'rare' : 'default',
    by: i === 7 ? 'Ada@host' : null,
    labels: i === 11 ? { stage: 'tune' } : {},
    sample: i % 100 === 0 ? { ...aSample(NOW, i + 1), capBytes: 5e9 } : null,
    score: i % 200 === 0 ? i : null,
    lease: i === 13 ? lease : null,
    pin: i === 17 ? { by: 'eve', why: 'w', at: 0 } : null,
  });
}

async function find(query: ListQuery) {
  const { items, total } = await listInstances({ name: 'main', catalog }, query);
  return { items, total, numbers: items.map(({ id }) => Number.parseInt(id.slice(6), 16)) };
}
const numbers = async (query: ListQuery) => (await find(query)).numbers;

it.each<[ListQuery, number[]]>([
  [{ q: 'ada@' }, [7]],
  [{ q: 'TUNE' }, [11]],
  [{ q: 'stage=tu' }, [11]],
  [{ q: 'grace' }, [13]],
  [{ q: idOf(42).slice(2) }, [42]],
  [{ q: '.*' }, []],
  [{ by: 'Ada@host' }, [7]],
  [{ labels: { stage: 'tune' } }, [11]],
  [{ lease: 'held' }, [13]],
  [{ pin: 'pinned' }, [17]],
  [{ ids: [idOf(5), idOf(3), 'spica-ffffffffffff'] }, [3, 5]],
  [{ minBytes: 1_901 }, [1_900]],
  [{ rule: 'goes' }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [{ rule: 'goes', template: 'rare' }, [0]],
  [{ pin: 'pinned', lease: 'held' }, []],
])('a list with %j has just what is asked for', async (query, expected) => {
  expect(await numbers({ limit: 1_000, ...query })).toEqual(expected);
});

it.each<[ListQuery, number[]]>([
  [{}, [0, 1, 2]],
  [{ order: 'desc' }, [1_999, 1_998, 1_997]],
  [{ sort: 'age' }, [1_999, 1_998, 1_997]],
  [{ sort: 'size' }, [1_900, 1_800, 1_700]],
  [{ sort: 'score' }, [1_800, 1_600, 1_400]],
  [{ sort: 'score', order: 'asc' }, [0, 200, 400]],
  [{ sort: 'id', order: 'desc' }, [1_999, 1_998, 1_997]],
  [{ sort: 'experiment' }, [0, 2, 4]],
  [{ sort: 'template', order: 'desc' }, [0, 10, 20]],
  [{ sort: 'lease' }, [13, 0, 1]],
  [{ offset: 1_000 }, [1_000, 1_001, 1_002]],
  [{ offset: 5_000 }, []],
])('a list with %j is in the order that is asked for', async (query, expected) => {
  expect(await numbers({ limit: 3, ...query })).toEqual(expected);
});

it('says how many match in all, and goes through them by cursor in any order', async () => {
  for (const sort of ['size', 'experiment', 'lease'] as const) {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await listInstances(
        { name: 'main', catalog },
        { template: 'rare', sort, limit: 60, ...(cursor && { cursor }) },
      );
      expect(page.total).toBe(200);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    }
    expect(new Set(seen).size).toBe(200);
  }
  await expect(numbers({ cursor: 'x', offset: 1 })).rejects.toThrow('list: offset: expected without cursor');
});

it('says of each the rule that keeps it or would delete it now, its cap, and where it is', async () => {
  const { items } = await find({ ids: [0, 13, 17, 100].map(idOf) });
  expect(items).toMatchObject([
    { rule: { verdict: 'goes', rule: 'count' }, path: `/pool/${idOf(0)}`, capBytes: 5e9 },
    { rule: { verdict: 'keeps', rule: 'leased', sentence: expect.stringContaining('leased by Grace') } },
    { rule: { verdict: 'keeps', rule: 'pinned', sentence: 'pinned by eve: w' }, capBytes: null },
    { rule: { verdict: 'keeps', rule: 'within-limits' } },
  ]);
});

it('is asked of Redis with as many commands as it shows instances, however many there are', async () => {
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
  await find({ sort: 'size', limit: 20 });
  const before = await commands();
  await find({ sort: 'size', limit: 20, q: 'even' });
  await find({ offset: 500, limit: 20 });
  await matchInstances({ catalog }, { template: 'rare' });
  expect((await commands()) - before).toBeLessThan(40 + 30);
});

it('knows at once what came up, changed and went, whoever did it', async () => {
  const other = createCatalog({ redis, pool: 'main' });
  const fresh = idOf(MANY + 5);
  await other.adopt(aRecord(fresh, { spawnedAt: NOW + 1_000, experiment: 'fresh' }));
  expect((await find({ sort: 'age', limit: 1 })).items[0]?.id).toBe(fresh);
  await other.mark(fresh, { score: 1e9 });
  expect((await find({ sort: 'score', limit: 1 })).items[0]).toMatchObject({ id: fresh, score: 1e9 });
  await other.lease(fresh, { owner: 'bob', token: newLeaseToken(), expiresAt: NOW + 1e8, now: NOW });
  expect(await find({ lease: 'held', q: 'bob' })).toMatchObject({ total: 1 });
  expect((await find({ ids: [fresh] })).items[0]?.rule).toMatchObject({ rule: 'leased' });
  await other.releaseLease(fresh, { token: null, now: NOW, force: true });
  await other.beginDelete(fresh, deletionBy('job', NOW));
  expect((await find({ state: 'deleting' })).items[0]).toMatchObject({ id: fresh, rule: null });
  await other.endDelete(fresh, 'gone', 'job');
  expect(await find({ experiment: 'fresh' })).toMatchObject({ total: 0 });
  expect((await find({})).total).toBe(MANY);
});

it('reads all anew once Redis was lost, and what it says then', async () => {
  await redis.flushall();
  expect((await find({})).total).toBe(0);
  await catalog.adopt(instance(3));
  expect(await numbers({})).toEqual([3]);
});
