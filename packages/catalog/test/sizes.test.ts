import { type Catalog, createCatalog, hashLeaseToken } from '@spica/catalog';
import { MOST_FINISHED } from '@spica/core';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aFinished, aRecord, aSample, deletionBy, freshPool, openCatalog } from './open.ts';

const ID = 'spica-0001';

describeOnRedis('sizes', (server) => {
  let redis: Redis;
  let catalog: Catalog;
  beforeEach(() => {
    ({ redis, catalog } = openCatalog(server));
  });

  const finish = async (of: string, sizes: readonly number[]) => {
    await Promise.all(
      sizes.map((bytes, i) => catalog.recordFinished(of, `spica-${1000 + i}`, aFinished(i, bytes))),
    );
    await catalog.refreshProfile(of);
  };

  it('of finished instances are summed up in a profile, kept ready for the gate', async () => {
    const sizes = Array.from({ length: 40 }, (_, i) => ((i * 7) % 40) * 1e12);
    await finish('template:t', sizes);
    expect(await catalog.readProfile('template:t')).toEqual({
      n: 40,
      bytes: { p50: 19e12, p95: 37e12, max: 39e12 },
      inodes: { p50: 1, p95: 1, max: 1 },
      bytesPerHour: null,
      predictions: null,
    });
  });

  it('are null for what never finished, and stay so when asked to speak anew', async () => {
    await catalog.refreshProfile('template:none');
    expect(await catalog.readProfile('template:none')).toBeNull();
  });

  it('count an instance once, as it was last', async () => {
    for (const [at, bytes] of [
      [1, 10],
      [2, 30],
      [3, 20],
    ] as const) {
      await catalog.recordFinished('template:t', 'spica-0001', aFinished(at, bytes));
    }
    await catalog.refreshProfile('template:t');
    expect(await catalog.readProfile('template:t')).toMatchObject({ n: 1, bytes: { p50: 20, max: 20 } });
  });

  it('are forgotten for good, one or all of them: whose instances are deleted later are not recorded again', async () => {
    await finish('template:t', [10, 310, 10]);
    expect(await catalog.readFinished('template:t')).toMatchObject([
      { id: 'spica-1001', finished: { final: { bytes: 310 } } },
      { id: 'spica-1000' },
      { id: 'spica-1002' },
    ]);
    expect(await catalog.forgetFinished('template:t', 'spica-1001')).toBe(1);
    expect(await catalog.readProfile('template:t')).toMatchObject({ n: 2, bytes: { max: 10 } });
    await finish('template:t', [10, 310]);
    expect(await catalog.readProfile('template:t')).toMatchObject({ n: 2, bytes: { max: 10 } });
    expect(await catalog.forgetFinished('template:t', 'spica-1001')).toBe(0);
    expect(await catalog.forgetFinished('template:t', null)).toBe(2);
    expect(await catalog.readProfile('template:t')).toBeNull();
    await finish('template:u', [310]);
    expect(await catalog.readProfile('template:u')).toMatchObject({ n: 1 });
  });

  it("give way to an operator's word, and whoever serves the pool hears of it", async () => {
    const heard = Promise.withResolvers<unknown>();
    const end = await catalog.onChange(heard.resolve);
    await catalog.setSize('template:t', { bytes: 5e6, by: 'ada' });
    expect(await heard.promise).toEqual({ kind: 'profile', of: 'template:t' });
    expect(await catalog.readSetSize('template:t')).toEqual({ bytes: 5e6, by: 'ada' });
    await catalog.setSize('template:t', null);
    expect(await catalog.readSetSize('template:t')).toBeNull();
    await end();
  });

  it('are of the newest thousand: what a template was like long ago is forgotten', async () => {
    const before = Array.from({ length: 200 }, () => 1e9);
    const after = Array.from({ length: MOST_FINISHED }, (_, i) => i);
    await finish('template:t', [...before, ...after]);
    expect(await catalog.readProfile('template:t')).toMatchObject({ n: MOST_FINISHED, bytes: { max: 999 } });
  });

  it('of one template say nothing about another, nor about an experiment of its name', async () => {
    await finish('template:a', [1]);
    await finish('experiment:a', [2]);
    expect(await catalog.readProfile('template:b')).toBeNull();
    expect((await catalog.readProfile('template:a'))?.bytes.max).toBe(1);
    expect((await catalog.readProfile('experiment:a'))?.bytes.max).toBe(2);
  });

  it('of an experiment are gone 90 days after its last instance finished, those of a template stay', async () => {
    const keysOf = (of: string) => redis.keys(`*:${of}`);
    const secondsLeft = async (of: string) => Promise.all((await keysOf(of)).map((key) => redis.ttl(key)));
    const days90 = expect.closeTo(90 * 86_400, -2);
    await finish('experiment:spring', [1, 2]);
    expect(await secondsLeft('experiment:spring')).toEqual([days90, days90, days90]);
    for (const key of await keysOf('experiment:spring')) await redis.expire(key, 60);
    await finish('experiment:spring', [3]);
    expect(await secondsLeft('experiment:spring')).toEqual([days90, days90, days90]);
    await finish('template:spring', [1, 2]);
    expect(await secondsLeft('template:spring')).toEqual([-1, -1, -1]);
  });

  it('are kept with their instance as its newest sample, and not without one', async () => {
    expect(await catalog.recordSample(ID, aSample(5), 20)).toBeNull();
    expect(await catalog.get(ID)).toBeNull();
    expect(await catalog.listDue(1e15, 10)).toEqual([]);
    await catalog.adopt(aRecord(ID));
    await catalog.recordSample(ID, aSample(5), 20);
    await catalog.recordSample(ID, aSample(6, 8192), 30);
    expect((await catalog.get(ID))?.record).toEqual(aRecord(ID, { sample: aSample(6, 8192) }));
    expect(await catalog.listDue(29, 10)).toEqual([]);
    expect(await catalog.listDue(30, 10)).toEqual([ID]);
  });

  it('come back with all that is known of their instance at that moment: its lease, its end, its pin', async () => {
    const [owner, token] = ['runner', 't'];
    await catalog.adopt(aRecord(ID));
    const keep = (at: number) => catalog.recordSample(ID, aSample(at), 20);
    expect(await keep(5)).toEqual(aRecord(ID, { sample: aSample(5) }));
    await catalog.lease(ID, { owner, token, expiresAt: 30, now: 5 });
    const lease = { owner, tokenHash: hashLeaseToken(token), expiresAt: 30, since: 5 };
    expect(await keep(6)).toEqual(aRecord(ID, { sample: aSample(6), lease, lastLeasedAt: 5 }));
    await catalog.lease(ID, { owner, token, expiresAt: 40, now: 7 });
    expect(await keep(8)).toMatchObject({ lease: { ...lease, expiresAt: 40 }, lastLeasedAt: 7 });
    await catalog.releaseLease(ID, { token, now: 9 });
    const pin = { by: 'eve', why: 'a "paper"', at: 9 };
    await catalog.mark(ID, { pin });
    expect(await keep(10)).toEqual(aRecord(ID, { sample: aSample(10), lastLeasedAt: 7, releasedAt: 9, pin }));
    expect(await keep(11)).toEqual((await catalog.get(ID))?.record);
  });

  it('and a lease that are written at the same moment are both kept, and what comes back was true at one moment', async () => {
    const other = new Redis(server.url);
    const pool = freshPool();
    const [here, there] = [createCatalog({ redis, pool }), createCatalog({ redis: other, pool })];
    for (let round = 0; round < 100; round += 1) {
      const id = `spica-${(0x1000 + round).toString(16)}`;
      await here.adopt(aRecord(id));
      const [record] = await Promise.all([
        here.recordSample(id, aSample(5), 20),
        there.lease(id, { owner: 'runner', token: 't', expiresAt: 30, now: 5 }),
      ]);
      const after = (await here.get(id))?.record;
      expect(after).toMatchObject({ sample: aSample(5), lease: { owner: 'runner' } });
      const before = aRecord(id, { sample: aSample(5) });
      expect(record).toEqual(record?.lease ? after : before);
    }
    other.disconnect();
  });

  it('are due longest overdue first, no more than asked for, and never of an instance that is gone', async () => {
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
    for (const [id, dueAt] of [
      ['spica-0001', 30],
      ['spica-0002', 10],
      ['spica-0003', 20],
      ['spica-0004', 99],
    ] as const) {
      await catalog.adopt(aRecord(id));
      await catalog.recordSample(id, aSample(1), dueAt);
    }
    expect(await catalog.listDue(30, 10)).toEqual(['spica-0002', 'spica-0003', 'spica-0001']);
    expect(await catalog.listDue(30, 2)).toEqual(['spica-0002', 'spica-0003']);
    await catalog.beginDelete('spica-0002', deletionBy('job', 30));
    await catalog.endDelete('spica-0002', 'gone', 'job');
    expect(await catalog.listDue(30, 10)).toEqual(['spica-0003', 'spica-0001']);
  });
});
