import type { Catalog } from '@spica/catalog';
import { addSize, readSizes, type SizePoint, writeSizes } from '@spica/core';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord, aSample, commitOne, deletionBy, openCatalog } from './open.ts';

const [A, B] = ['spica-0001', 'spica-0002'];
const NOW = 1_700_000_000_000;
const LIFE = { request: 'req-1', life: '00000001' };

describeOnRedis('what changed of the instances', (server) => {
  let redis: Redis;
  let catalog: Catalog;
  let pool: string;
  beforeEach(() => {
    ({ redis, catalog, pool } = openCatalog(server));
  });

  const all = async () => (await catalog.touchedSince(null)).cursor;

  it('is told by the ids of those that came up, changed or went, since the last answer', async () => {
    const cursor = await all();
    expect(await catalog.touchedSince(cursor)).toEqual({ cursor, ids: [], count: 0 });
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
    const acts: (() => Promise<unknown>)[] = [
      () => commitOne(catalog, LIFE, A),
      () => catalog.completeRequest(LIFE.request, LIFE.life, [A]),
      () => catalog.recordSample(A, aSample(1), 2),
      () => catalog.lease(A, { owner: 'o', token: 't', expiresAt: NOW + 100, now: NOW }),
      () => catalog.releaseLease(A, { token: 't', now: NOW }),
      () => catalog.mark(A, { score: 1 }),
      () => catalog.protect(A, { lease: null, pin: { by: 'e', why: 'w', at: 1 }, releasedAt: null }),
      () => catalog.mark(A, { pin: null }),
      () => catalog.beginDelete(A, deletionBy('job', NOW)),
      () => catalog.endDelete(A, 'gone', 'job'),
      () => catalog.adopt(aRecord(A)),
    ];
    let since = cursor;
    for (const act of acts) {
      await act();
      const touched = await catalog.touchedSince(since);
      expect(touched.ids, String(act)).toEqual([A]);
      since = touched.cursor;
    }
    await catalog.adopt(aRecord(B));
    expect(await catalog.touchedSince(cursor)).toMatchObject({ ids: [A, B], count: 2 });
    await catalog.mark('spica-0003', { score: 1 }); // there is none
    expect((await catalog.touchedSince(since)).ids).toEqual([B]);
  });

  it('is not known any more after too many changes, nor once Redis has forgotten or lost them', async () => {
    await catalog.adopt(aRecord(A));
    const cursor = await all();
    for (let i = 0; i < 5_001; i += 1) void catalog.mark(A, { score: i });
    await catalog.mark(A, { score: null });
    const { ids, cursor: next } = await catalog.touchedSince(cursor);
    expect(ids).toBeNull();
    expect((await catalog.touchedSince(next)).ids).toEqual([]);
    const key = `{spica:${pool}}:catalog:touched`;
    await redis.xtrim(key, 'MAXLEN', 0);
    await catalog.mark(A, { score: 1 });
    expect((await catalog.touchedSince(next)).ids).toBeNull();
    await redis.del(key);
    expect((await catalog.touchedSince(next)).ids).toBeNull();
  });

  it('takes a bounded part of Redis, however many changes there are', async () => {
    await catalog.adopt(aRecord(A));
    const changes = Array.from({ length: 30_000 }, (_, i) => catalog.mark(A, { score: i }));
    await Promise.all(changes);
    expect(await redis.xlen(`{spica:${pool}}:catalog:touched`)).toBeLessThan(21_000);
  });

  it('keeps with an instance how its size went, in few bytes', async () => {
    await catalog.adopt(aRecord(A));
    let sizes: readonly SizePoint[] = [];
    for (let i = 0; i < 100; i += 1) {
      const at = NOW + i * 60_000;
      sizes = addSize((await catalog.get(A))?.sizes ?? [], [at, 1e9 + i * 4096]);
      await catalog.recordSample(A, aSample(at, 1e9 + i * 4096), at, sizes);
    }
    const kept = (await catalog.get(A))?.sizes ?? [];
    expect(kept).toEqual(sizes);
    expect(kept).toHaveLength(24);
    expect([kept[0], kept.at(-1)]).toEqual([
      [NOW, 1e9],
      [NOW + 99 * 60_000, 1e9 + 99 * 4096],
    ]);
    const text = await redis.hget(`{spica:${pool}}:catalog:instance:${A}`, 'sizes');
    expect(text?.length).toBeLessThan(250);
    expect(readSizes(writeSizes(sizes))).toEqual(sizes);
    await redis.hset(`{spica:${pool}}:catalog:instance:${A}`, 'sizes', 'torn');
    await expect(catalog.get(A)).rejects.toThrow('sizes: expected pairs of numbers');
  });
});
