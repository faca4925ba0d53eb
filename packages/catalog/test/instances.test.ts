import type { Catalog } from '@spica/catalog';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord, aSample, listAll, openCatalog } from './open.ts';

const NOW = 1_700_000_000_000;
const FIRST = { request: 'req-1', life: '00000001' };

describeOnRedis('the instances of a pool', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  beforeEach(async () => {
    ({ redis, pool, catalog } = openCatalog(server));
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
  });

  const listed = async () => (await listAll(catalog)).map(({ record }) => record.id);

  it('are listed oldest first, those of unknown age before all, each one once, however many there are', async () => {
    const ids = Array.from({ length: 1_234 }, (_, i) => `spica-${(10_000 + i).toString(16)}`);
    // Many of one age, so that pages begin in their midst.
    const ageOf = (i: number) => (i % 100 === 0 ? null : NOW - (i % 2));
    await Promise.all(ids.toReversed().map((id, i) => catalog.adopt(aRecord(id, { spawnedAt: ageOf(i) }))));
    const found = await listAll(catalog);
    expect(found.map(({ record }) => record.id).toSorted()).toEqual(ids);
    const ages = found.map(({ record }) => record.spawnedAt ?? 0);
    expect(ages).toEqual(ages.toSorted((a, b) => a - b));
    expect(await catalog.unlisted([...ids, 'spica-gone'])).toEqual(['spica-gone']);
  });

  it('are all listed when they are just as many as one page holds, and none when there are none', async () => {
    expect(await listed()).toEqual([]);
    expect(await catalog.count()).toBe(0);
    expect(await catalog.unlisted([])).toEqual([]);
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

  it('are read many at once in the order asked for, without those that there are not', async () => {
    for (const id of ['spica-0001', 'spica-0002', 'spica-0003']) await catalog.adopt(aRecord(id));
    await catalog.commit(FIRST, aRecord('spica-0004'));
    const found = await catalog.getMany(['spica-0004', 'spica-0009', 'spica-0003', 'spica-0001']);
    expect(found.map(({ record, state }) => [record.id, state])).toEqual([
      ['spica-0004', 'in-flight'],
      ['spica-0003', 'ready'],
      ['spica-0001', 'ready'],
    ]);
    expect(await catalog.getMany([])).toEqual([]);
  });

  it('come back as they were given, whatever is known of them', async () => {
    const record = aRecord('spica-0001', {
      labels: { team: 'red\n"' },
      sample: aSample(NOW),
      lease: { owner: 'runner', tokenHash: 'ab', expiresAt: NOW + 1, since: NOW - 5 },
      lastLeasedAt: NOW,
      releasedAt: NOW - 1,
      discarded: true,
      pin: { by: 'eve', why: 'a "paper"', at: NOW },
      ttlMs: 1,
      score: -0.25,
      oversize: 'end_lease',
      collect: ['results/**', '*.json'],
      collected: { at: NOW, to: '/results/a', files: 2, bytes: 3, skipped: 0, state: 'ab' },
    });
    const older = aRecord('spica-0002', {
      lease: { owner: 'runner', tokenHash: 'ab', expiresAt: NOW + 1, since: null },
      score: 0,
    });
    expect(await catalog.adopt(record)).toBe(true);
    const ready = {
      state: 'ready',
      request: null,
      failure: null,
      collectFailure: null,
      unsaved: null,
      sizes: [],
    };
    expect(await catalog.get('spica-0001')).toEqual({ record, ...ready });
    expect(await catalog.commit(FIRST, older)).toBe('committed');
    expect((await catalog.get('spica-0002'))?.record).toEqual(older);
  });

  it('are adopted once; what is known already is left as it is', async () => {
    expect(await catalog.adopt(aRecord('spica-0001', { experiment: 'first' }))).toBe(true);
    expect(await catalog.adopt(aRecord('spica-0001', { experiment: 'second' }))).toBe(false);
    expect((await catalog.get('spica-0001'))?.record.experiment).toBe('first');
    expect(await listed()).toEqual(['spica-0001']);
  });

  it('are committed once: a spawn job that runs again is answered that they are known, and changes nothing', async () => {
    expect(await catalog.commit(FIRST, aRecord('spica-0001', { experiment: 'first' }))).toBe('committed');
    const again = aRecord('spica-0001', { experiment: 'second', spawnedAt: 1 });
    expect(await catalog.commit(FIRST, again)).toBe('already');
    expect(await catalog.commit({ request: 'req-2', life: '00000002' }, again)).toBe('already');
    expect(await catalog.get('spica-0001')).toMatchObject({
      record: { experiment: 'first' },
      state: 'in-flight',
      request: 'req-1',
    });
    expect(await catalog.inFlight()).toEqual(new Map([['spica-0001', 'req-1']]));
    await catalog.adopt(aRecord('spica-0002'));
    expect(await catalog.commit(FIRST, aRecord('spica-0002'))).toBe('already');
    expect((await catalog.get('spica-0002'))?.state).toBe('ready'); // adopted: not in flight for a later commit
  });

  it('are not committed once their request is cancelled, and then nothing of them is kept', async () => {
    await catalog.commit(FIRST, aRecord('spica-0001'));
    await catalog.cancel('req-1', FIRST.life);
    expect(await catalog.commit(FIRST, aRecord('spica-0002', { ttlMs: 5 }))).toBe('cancelled');
    expect(await catalog.get('spica-0002')).toBeNull();
    expect(await listed()).toEqual(['spica-0001']);
    expect([...(await catalog.inFlight()).keys()]).toEqual(['spica-0001']);
    expect(await catalog.listDue(NOW, 10)).toEqual(['spica-0001']);
    expect(await catalog.hasEarly()).toBe(false);
    // What had come up before is known, and stays for the undo to find.
    expect(await catalog.commit(FIRST, aRecord('spica-0001'))).toBe('already');
  });

  it('remember why they could not be deleted, until they are gone', async () => {
    await catalog.adopt(aRecord('spica-0001'));
    const failure = { cause: 'RENAME_FAILED: it is immutable', since: NOW, at: NOW + 5, tries: 2 };
    expect(await catalog.mark('spica-0001', { failure })).toBe('marked');
    expect(await catalog.get('spica-0001')).toMatchObject({ failure });
    await catalog.mark('spica-0001', { failure: null });
    expect(await catalog.get('spica-0001')).toMatchObject({ failure: null });
    expect(await catalog.mark('spica-0009', { failure })).toBe('absent');
  });

  it('are due to be measured as soon as they are there', async () => {
    await catalog.commit(FIRST, aRecord('spica-0001', { spawnedAt: NOW }));
    await catalog.adopt(aRecord('spica-0002', { spawnedAt: NOW - 1 }));
    await catalog.adopt(aRecord('spica-0003', { spawnedAt: null }));
    expect(await catalog.listDue(NOW, 10)).toEqual(['spica-0003', 'spica-0002', 'spica-0001']);
  });

  it('say whether one of them may go before its turn: with a life of its own, or discarded', async () => {
    const hasEarly = () => catalog.hasEarly();
    await catalog.adopt(aRecord('spica-0001'));
    expect(await hasEarly()).toBe(false);
    await catalog.adopt(aRecord('spica-0002', { ttlMs: 5 }));
    expect(await hasEarly()).toBe(true);
    await catalog.mark('spica-0002', { ttlMs: null });
    expect(await hasEarly()).toBe(false);
    await catalog.mark('spica-0001', { ttlMs: 5 });
    expect(await hasEarly()).toBe(true);
    await catalog.endDelete('spica-0001', 'gone', null);
    expect(await hasEarly()).toBe(false);
    await catalog.commit(FIRST, aRecord('spica-0003', { ttlMs: 5 }));
    await catalog.releaseLease('spica-0003', { token: null, now: NOW, discard: true });
    await catalog.mark('spica-0003', { ttlMs: null });
    expect(await hasEarly()).toBe(true);
    await catalog.lease('spica-0003', { owner: 'ada', token: 't', expiresAt: NOW + 9, now: NOW });
    expect(await hasEarly()).toBe(false);
    await catalog.adopt(aRecord('spica-0004', { discarded: true }));
    expect(await hasEarly()).toBe(true);
  });
});
