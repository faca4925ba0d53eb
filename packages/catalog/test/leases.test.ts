import { type Catalog, hashLeaseToken, newLeaseToken } from '@spica/catalog';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord, openCatalog } from './open.ts';

const NOW = 1_700_000_000_000;
const ID = 'spica-0001';
const GONE = 'spica-0009';
const PIN = { by: 'eve', why: 'paper', at: NOW };

describeOnRedis('leases and marks', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  beforeEach(async () => {
    ({ redis, pool, catalog } = openCatalog(server));
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
    await catalog.adopt(aRecord(ID));
  });

  const lease = (token: string, now: number, options: { ms?: number; force?: boolean; id?: string } = {}) => {
    const { ms = 100, force = false, id = ID } = options;
    return catalog.lease(id, { owner: `owner of ${token}`, token, expiresAt: now + ms, now, force });
  };
  const release = (token: string | null, now: number, force = false) =>
    catalog.releaseLease(ID, { token, now, force });
  const stored = async () => (await catalog.get(ID))?.record;

  it('begin when they are granted, and keep their beginning when they are renewed', async () => {
    expect(await lease('a', NOW)).toEqual({ outcome: 'granted' });
    expect(await lease('a', NOW + 50)).toEqual({ outcome: 'renewed' });
    expect(await lease('a', NOW + 149)).toEqual({ outcome: 'renewed' });
    expect(await stored()).toMatchObject({
      lease: {
        owner: 'owner of a',
        tokenHash: hashLeaseToken('a'),
        expiresAt: NOW + 249,
        since: NOW,
      },
      lastLeasedAt: NOW + 149,
    });
  });

  it('begin anew once they have ended: by their time, by a release, or by force', async () => {
    const since = async () => (await stored())?.lease?.since;
    await lease('a', NOW);
    expect(await lease('a', NOW + 100)).toEqual({ outcome: 'granted' }); // it had just ended
    expect(await since()).toBe(NOW + 100);
    expect(await release('a', NOW + 110)).toEqual({ outcome: 'released' });
    expect(await stored()).toMatchObject({ lease: null, lastLeasedAt: NOW + 100 });
    expect(await lease('a', NOW + 120)).toEqual({ outcome: 'granted' });
    expect(await since()).toBe(NOW + 120);
    expect(await lease('b', NOW + 130, { force: true })).toEqual({ outcome: 'granted' });
    expect((await stored())?.lease).toMatchObject({ owner: 'owner of b', since: NOW + 130 });
    expect(await lease('b', NOW + 140, { force: true })).toEqual({ outcome: 'renewed' });
    expect(await since()).toBe(NOW + 130);
  });

  it('leave behind when they ended, until the next one begins', async () => {
    await lease('a', NOW);
    await release('a', NOW + 10);
    expect(await stored()).toMatchObject({ lease: null, releasedAt: NOW + 10, discarded: false });
    await lease('b', NOW + 20);
    expect(await stored()).toMatchObject({ lease: { since: NOW + 20 }, releasedAt: null });
  });

  it('are released with the word that nobody needs the instance any more, which holds until the next one begins', async () => {
    const discard = (token: string | null, now: number) =>
      catalog.releaseLease(ID, { token, now, discard: true });
    await lease('a', NOW);
    expect(await discard('b', NOW + 10)).toMatchObject({ outcome: 'leased' });
    expect(await stored()).toMatchObject({ discarded: false });
    expect(await discard('a', NOW + 20)).toEqual({ outcome: 'released' });
    expect(await stored()).toMatchObject({ lease: null, releasedAt: NOW + 20, discarded: true });
    await lease('a', NOW + 30);
    expect(await stored()).toMatchObject({ releasedAt: null, discarded: false });
    expect(await discard(null, NOW + 130)).toEqual({ outcome: 'discarded' }); // it has ended: anybody may
    expect(await stored()).toMatchObject({ lease: { expiresAt: NOW + 130 }, discarded: true });
  });

  it('are their holders alone to renew and to end, as long as they are in force', async () => {
    await lease('a', NOW);
    const held = { outcome: 'leased', owner: 'owner of a', expiresAt: NOW + 100 };
    expect(await lease('b', NOW + 99)).toEqual(held);
    expect(await release('b', NOW + 99)).toEqual(held);
    expect(await release(null, NOW + 99)).toEqual(held);
    expect((await stored())?.lease).toMatchObject({ owner: 'owner of a', since: NOW });
    expect(await release('a', NOW + 100)).toEqual({ outcome: 'none' });
    expect(await lease('b', NOW + 100)).toEqual({ outcome: 'granted' });
    expect(await release(null, NOW + 101, true)).toEqual({ outcome: 'released' });
    expect(await release('b', NOW + 101)).toEqual({ outcome: 'none' });
  });

  it('are known by their token’s hash alone', async () => {
    const token = newLeaseToken();
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    expect(newLeaseToken()).not.toBe(token);
    await lease(token, NOW);
    const kept = await redis.hgetall(`{spica:${pool}}:catalog:instance:${ID}`);
    expect(Object.values(kept)).toContain(hashLeaseToken(token));
    expect(JSON.stringify({ ...kept, leaseOwner: '' })).not.toContain(token);
  });

  it('are not granted nor renewed for an instance that is too large, unless by force', async () => {
    await lease('a', NOW);
    await catalog.mark(ID, { oversize: 'warn' });
    expect(await lease('a', NOW + 1)).toEqual({ outcome: 'renewed' });
    await catalog.mark(ID, { oversize: 'end_lease' });
    expect(await lease('a', NOW + 2)).toEqual({ outcome: 'oversize' });
    expect((await stored())?.lease?.expiresAt).toBe(NOW + 101);
    expect(await lease('a', NOW + 2, { force: true })).toEqual({ outcome: 'renewed' });
    await catalog.mark(ID, { oversize: null });
    expect(await lease('a', NOW + 3)).toEqual({ outcome: 'renewed' });
  });

  it('come back as they were set, and are gone once they are removed', async () => {
    await catalog.mark(ID, { pin: PIN });
    await catalog.mark(ID, { score: 0 });
    await catalog.mark(ID, { ttlMs: 7 });
    await catalog.mark(ID, { oversize: 'warn' });
    expect(await stored()).toEqual(aRecord(ID, { pin: PIN, score: 0, ttlMs: 7, oversize: 'warn' }));
    for (const mark of [{ pin: null }, { score: null }, { ttlMs: null }, { oversize: null }]) {
      expect(await catalog.mark(ID, mark)).toBe('marked');
    }
    expect(await stored()).toEqual(aRecord(ID));
  });

  it('are not for an instance that is not there', async () => {
    expect(await lease('a', NOW, { id: GONE })).toEqual({ outcome: 'absent' });
    expect(await catalog.releaseLease(GONE, { token: 'a', now: NOW })).toEqual({ outcome: 'absent' });
    expect(await catalog.mark(GONE, { pin: PIN })).toBe('absent');
    expect(await catalog.get(GONE)).toBeNull();
    expect(await catalog.takeDirty(10)).toEqual([]);
  });

  it('make the record on disk older than the catalog, once, until it has been written', async () => {
    for (const id of ['spica-0002', 'spica-0003']) await catalog.adopt(aRecord(id));
    expect(await catalog.takeDirty(10)).toEqual([]);
    await lease('a', NOW);
    await lease('a', NOW + 1);
    await catalog.mark('spica-0002', { score: 1 });
    await lease('a', NOW, { id: 'spica-0003' });
    const taken = await catalog.takeDirty(2);
    const rest = await catalog.takeDirty(2);
    expect([...taken, ...rest].toSorted()).toEqual([ID, 'spica-0002', 'spica-0003']);
    expect(taken).toHaveLength(2);
    expect(await catalog.takeDirty(2)).toEqual([]);
    await catalog.putBackDirty([]);
    await catalog.putBackDirty(taken);
    expect((await catalog.takeDirty(9)).toSorted()).toEqual(taken.toSorted());
    await release('a', NOW + 2);
    expect(await catalog.takeDirty(9)).toEqual([ID]);
  });
});
