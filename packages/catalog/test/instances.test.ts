import { type Catalog, createCatalog } from '@spica/catalog';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord, aSample, freshPool, listAll } from './open.ts';

const NOW = 1_700_000_000_000;
const NO_GROWTH = { bytes: 0, inodes: 0, endsAt: NOW };
const NO_LIMIT = { bytes: Number.MAX_SAFE_INTEGER, inodes: null, slots: 100_000 };

describeOnRedis('the instances of a pool', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  beforeEach(async () => {
    redis = new Redis(server.url);
    pool = freshPool();
    catalog = createCatalog({ redis, pool });
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
    return () => redis.disconnect();
  });

  const listed = async () => (await listAll(catalog)).map(({ record }) => record.id);
  const reserve = (request: string, count = 1) =>
    catalog.reserve(
      { request, fingerprint: 'f', perInstance: { bytes: 1, inodes: 1 }, count, at: NOW },
      NO_LIMIT,
      { bytes: 0, inodes: 0 },
    );

  it('are listed oldest first, those of unknown age before all, each one once, however many there are', async () => {
    const ids = Array.from({ length: 1_234 }, (_, i) => `spica-${(10_000 + i).toString(16)}`);
    // Many of one age, so that pages begin in their midst.
    const ageOf = (i: number) => (i % 100 === 0 ? null : NOW - (i % 2));
    await Promise.all(ids.toReversed().map((id, i) => catalog.adopt(aRecord(id, { spawnedAt: ageOf(i) }))));
    const found = await listAll(catalog);
    expect(found.map(({ record }) => record.id).toSorted()).toEqual(ids);
    const ages = found.map(({ record }) => record.spawnedAt ?? 0);
    expect(ages).toEqual(ages.toSorted((a, b) => a - b));
  });

  it('are all listed when they are just as many as one page holds, and none when there are none', async () => {
    expect(await listed()).toEqual([]);
    const ids = Array.from({ length: 1_000 }, (_, i) => `spica-${(10_000 + i).toString(16)}`);
    await Promise.all(ids.map((id) => catalog.adopt(aRecord(id))));
    expect(await listed()).toEqual(ids);
  });

  it('leave out one that goes while they are listed', async () => {
    await catalog.adopt(aRecord('spica-0001', { spawnedAt: 1 }));
    await catalog.adopt(aRecord('spica-0002', { spawnedAt: 2 }));
    await redis.del(`{spica:${pool}}:catalog:instance:spica-0001`);
    expect(await listed()).toEqual(['spica-0002']);
    expect(await catalog.get('spica-0001')).toBeNull();
  });

  it('are in flight until their request has been settled, and ready then', async () => {
    await reserve('req-1', 2);
    await reserve('req-2');
    for (const [request, id] of [
      ['req-1', 'spica-0001'],
      ['req-1', 'spica-0002'],
      ['req-2', 'spica-0003'],
    ] as const) {
      expect(await catalog.commit(request, aRecord(id, { request }), NO_GROWTH)).toBe('committed');
    }
    expect(await catalog.get('spica-0001')).toMatchObject({ state: 'in-flight', request: 'req-1' });
    expect((await catalog.settle('req-1')).toSorted()).toEqual(['spica-0001', 'spica-0002']);
    expect(await catalog.get('spica-0001')).toMatchObject({ state: 'ready', request: null });
    expect(await catalog.get('spica-0003')).toMatchObject({ state: 'in-flight', request: 'req-2' });
    expect(await catalog.settle('req-1')).toEqual([]);
  });

  it('come back as they were given, whatever is known of them', async () => {
    const record = aRecord('spica-0001', {
      labels: { team: 'red\n"' },
      sample: aSample(NOW),
      lease: { owner: 'runner', tokenHash: 'ab', expiresAt: NOW + 1 },
      lastLeasedAt: NOW,
      pin: { by: 'eve', why: 'a "paper"', at: NOW },
      ttlMs: 1,
      score: -0.25,
      oversize: 'end_lease',
    });
    expect(await catalog.adopt(record)).toBe(true);
    expect(await catalog.get('spica-0001')).toEqual({ record, state: 'ready', request: null });
  });

  it('are adopted once; what is known already is left as it is', async () => {
    expect(await catalog.adopt(aRecord('spica-0001', { experiment: 'first' }))).toBe(true);
    expect(await catalog.adopt(aRecord('spica-0001', { experiment: 'second' }))).toBe(false);
    expect((await catalog.get('spica-0001'))?.record.experiment).toBe('first');
    expect((await catalog.ledger(NOW)).instances).toBe(1);
  });

  it('are adopted with what they are still expected to add, until that time has come', async () => {
    await catalog.adopt(aRecord('spica-0001'), { bytes: 500, inodes: 5, endsAt: NOW + 10 });
    expect((await catalog.ledger(NOW)).growth).toEqual({ bytes: 500, inodes: 5 });
    expect((await catalog.ledger(NOW + 10)).growth).toEqual({ bytes: 0, inodes: 0 });
  });

  it('are claimed for deletion by one of many that want to', async () => {
    await catalog.adopt(aRecord('spica-0001'));
    const claims = await Promise.all([1, 2, 3].map(() => catalog.beginDelete('spica-0001', { now: NOW })));
    expect(claims.map(({ outcome }) => outcome)).toEqual(['begun', 'deleting', 'deleting']);
    expect((await catalog.get('spica-0001'))?.state).toBe('deleting');
    await catalog.endDelete('spica-0001', 'kept');
    expect((await catalog.get('spica-0001'))?.state).toBe('ready');
    await catalog.beginDelete('spica-0001', { now: NOW });
    await catalog.endDelete('spica-0001', 'gone');
    await catalog.endDelete('spica-0001', 'gone');
    expect(await catalog.get('spica-0001')).toBeNull();
    expect(await catalog.beginDelete('spica-0001', { now: NOW })).toEqual({ outcome: 'absent' });
    expect((await catalog.ledger(NOW)).instances).toBe(0);
  });

  it('in flight go only on behalf of their own request', async () => {
    await reserve('req-1');
    await catalog.commit('req-1', aRecord('spica-0001'), NO_GROWTH);
    const inFlight = { outcome: 'in-flight', request: 'req-1' };
    expect(await catalog.beginDelete('spica-0001', { now: NOW })).toEqual(inFlight);
    expect(await catalog.beginDelete('spica-0001', { now: NOW, request: 'req-2' })).toEqual(inFlight);
    const own = await catalog.beginDelete('spica-0001', { now: NOW, request: 'req-1' });
    expect(own).toEqual({ outcome: 'begun' });
  });

  it('do not go while a pin or a lease protects them, nor before the disk was looked at', async () => {
    const lease = { owner: 'runner', tokenHash: 'ab', expiresAt: NOW + 10 };
    const pin = { by: 'eve', why: 'paper', at: NOW };
    await catalog.adopt(aRecord('spica-0001', { lease }));
    await catalog.adopt(aRecord('spica-0002', { pin }));
    const begin = (id: string, now: number) => catalog.beginDelete(id, { now });
    const leased = { outcome: 'leased', owner: 'runner', expiresAt: NOW + 10 };
    expect(await begin('spica-0001', NOW + 9)).toEqual(leased);
    expect(await begin('spica-0002', NOW + 1e9)).toEqual({ outcome: 'pinned', pin });
    await catalog.markReconciled({ at: NOW, graceUntil: NOW + 20 });
    expect(await begin('spica-0001', NOW + 10)).toEqual({ outcome: 'grace', until: NOW + 20 });
    await redis.del(`{spica:${pool}}:catalog:reconciled`);
    expect(await begin('spica-0001', NOW + 20)).toEqual({ outcome: 'unreconciled' });
    await catalog.markReconciled({ at: NOW, graceUntil: NOW + 20 });
    expect(await begin('spica-0001', NOW + 20)).toEqual({ outcome: 'begun' });
  });

  it('are leased or deleted, never both, when both are asked for at the same moment', async () => {
    const other = new Redis(server.url);
    const elsewhere = createCatalog({ redis: other, pool });
    const lease = { owner: 'runner', token: 't', expiresAt: NOW + 1, now: NOW };
    const both: string[] = [];
    const wins = { leased: 0, deleted: 0 };
    for (let round = 0; round < 100; round += 1) {
      const ids = Array.from({ length: 100 }, (_, i) => `spica-${(0x10000 + round * 100 + i).toString(16)}`);
      await Promise.all(ids.map((id) => catalog.adopt(aRecord(id))));
      const outcomes = await Promise.all(
        ids.map(async (id, i) => {
          const asked = i % 2 === 0 ? catalog.beginDelete(id, { now: NOW }) : null;
          const granting = elsewhere.lease(id, lease);
          const [granted, begun] = await Promise.all([
            granting,
            asked ?? catalog.beginDelete(id, { now: NOW }),
          ]);
          return { id, granted: granted.outcome === 'granted', begun: begun.outcome === 'begun' };
        }),
      );
      for (const { id, granted, begun } of outcomes) {
        if (granted === begun) both.push(id);
        wins[granted ? 'leased' : 'deleted'] += 1;
      }
    }
    other.disconnect();
    expect(both).toEqual([]);
    expect(Math.min(wins.leased, wins.deleted)).toBeGreaterThan(100); // else nobody raced
  });
});
