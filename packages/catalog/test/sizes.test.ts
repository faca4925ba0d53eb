import type { Catalog } from '@spica/catalog';
import { type InstanceRecord, MOST_FINISHED } from '@spica/core';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aFinished, aRecord, aSample, openFreshCatalog } from './open.ts';

const NEVER_LEASED = { lease: null, lastLeasedAt: null };
const NO_GROWTH = { bytes: 0, inodes: 0, endsAt: 0 };

describeOnRedis('sizes', (server) => {
  let redis: Redis;
  let catalog: Catalog;
  beforeEach(() => {
    redis = new Redis(server.url);
    catalog = openFreshCatalog(redis);
    return () => redis.disconnect();
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
    expect(await catalog.profileOf('template:t')).toEqual({
      n: 40,
      bytes: { p50: 19e12, p95: 37e12, max: 39e12 },
      inodes: { p50: 1, p95: 1, max: 1 },
      bytesPerHour: null,
      predictions: null,
    });
  });

  it('are null for what never finished, and stay so when asked to speak anew', async () => {
    await catalog.refreshProfile('template:none');
    expect(await catalog.profileOf('template:none')).toBeNull();
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
    expect(await catalog.profileOf('template:t')).toMatchObject({ n: 1, bytes: { p50: 20, max: 20 } });
  });

  it('are of the newest thousand: what a template was like long ago is forgotten', async () => {
    const before = Array.from({ length: 200 }, () => 1e9);
    const after = Array.from({ length: MOST_FINISHED }, (_, i) => i);
    await finish('template:t', [...before, ...after]);
    expect(await catalog.profileOf('template:t')).toMatchObject({ n: MOST_FINISHED, bytes: { max: 999 } });
  });

  it('of one template say nothing about another, nor about an experiment of its name', async () => {
    await finish('template:a', [1]);
    await finish('experiment:a', [2]);
    expect(await catalog.profileOf('template:b')).toBeNull();
    expect((await catalog.profileOf('template:a'))?.bytes.max).toBe(1);
    expect((await catalog.profileOf('experiment:a'))?.bytes.max).toBe(2);
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

  it('are kept with their instance as its newest sample, with what is still expected, and not without one', async () => {
    const next = { growth: { bytes: 7, inodes: 1, endsAt: 10 }, dueAt: 20, seen: NEVER_LEASED };
    expect(await catalog.recordSample('spica-0001', aSample(5), next)).toBe('absent');
    expect((await catalog.ledger(5)).growth).toEqual({ bytes: 0, inodes: 0 });
    expect(await catalog.listDue(1e15, 10)).toEqual([]);
    await catalog.adopt(aRecord('spica-0001'));
    expect(await catalog.recordSample('spica-0001', aSample(5), next)).toBe('kept');
    expect((await catalog.get('spica-0001'))?.record.sample).toEqual(aSample(5));
    expect((await catalog.ledger(5)).growth).toEqual({ bytes: 7, inodes: 1 });
    expect((await catalog.ledger(10)).growth).toEqual({ bytes: 0, inodes: 0 });
  });

  it('are not kept, nor what would still be expected, when the lease that this was computed from is another by now', async () => {
    const [owner, token] = ['runner', 't'];
    await catalog.adopt(aRecord('spica-0001'));
    const growth = { bytes: 7, inodes: 1, endsAt: 10 };
    const keep = async (seen: Pick<InstanceRecord, 'lease' | 'lastLeasedAt'>) =>
      catalog.recordSample('spica-0001', aSample(5), { growth, dueAt: 20, seen });
    const stored = async () => (await catalog.get('spica-0001'))?.record ?? NEVER_LEASED;

    await catalog.lease('spica-0001', { owner, token, expiresAt: 30, now: 5 });
    expect(await keep(NEVER_LEASED)).toBe('changed'); // granted since
    const leased = await stored();
    await catalog.lease('spica-0001', { owner, token, expiresAt: 40, now: 6 });
    expect(await keep(leased)).toBe('changed'); // renewed since
    const renewed = await stored();
    await catalog.releaseLease('spica-0001', { token, now: 7 });
    expect(await keep(renewed)).toBe('changed'); // released since
    expect((await catalog.ledger(5)).growth.bytes).toBe(0);
    expect((await catalog.get('spica-0001'))?.record.sample).toBeNull();
    expect(await keep(await stored())).toBe('kept');
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
      await catalog.recordSample(id, aSample(1), { growth: NO_GROWTH, dueAt, seen: NEVER_LEASED });
    }
    expect(await catalog.listDue(30, 10)).toEqual(['spica-0002', 'spica-0003', 'spica-0001']);
    expect(await catalog.listDue(30, 2)).toEqual(['spica-0002', 'spica-0003']);
    await catalog.beginDelete('spica-0002', { now: 30 });
    await catalog.endDelete('spica-0002', 'gone');
    expect(await catalog.listDue(30, 10)).toEqual(['spica-0003', 'spica-0001']);
  });
});
