import type { Catalog, Change } from '@spica/catalog';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord, aSample, deletionBy, openCatalog } from './open.ts';

const NOW = 1_700_000_000_000;
const ID = 'spica-0001';
const GONE = 'spica-0009';
const PIN = { by: 'eve', why: 'paper', at: NOW };

describeOnRedis('changes', (server) => {
  let redis: Redis;
  let catalog: Catalog;
  /** The connection that listens; undefined while none does. */
  const listener = async () =>
    /^id=(\d+)/m.exec(String(await redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub')))?.[1];
  beforeEach(async () => {
    ({ redis, catalog } = openCatalog(server));
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
    await catalog.adopt(aRecord(ID));
  });

  /** Hears of changes until one of `last` comes. */
  async function listen(last: string) {
    const heard: Change[] = [];
    const { promise, resolve } = Promise.withResolvers<Change[]>();
    const end = await catalog.onChange((change) => {
      heard.push(change);
      if (change.kind === last) resolve(heard);
    });
    return { heard: promise, end };
  }

  it('are counted: each lease, release and mark is one, and nothing else is', async () => {
    const count = async (act: () => Promise<unknown>) => {
      const before = await catalog.changes();
      await act();
      return (await catalog.changes()) - before;
    };
    const grant = (token: string, at: number, force = false) =>
      catalog.lease(ID, { owner: 'o', token, expiresAt: NOW + 100, now: at, force });
    const release = (token: string, at: number) => catalog.releaseLease(ID, { token, now: at });
    const [request, life] = ['req-1', '00000001'];
    expect(await catalog.changes()).toBe(0);
    for (const act of [
      () => grant('a', NOW),
      () => grant('a', NOW + 1),
      () => grant('b', NOW + 2, true),
      () => release('b', NOW + 3),
      () => catalog.mark(ID, { pin: PIN }),
      () => catalog.mark(ID, { pin: null }),
      () => catalog.mark(ID, { score: 1 }),
      () => catalog.mark(ID, { ttlMs: 1 }),
      () => catalog.mark(ID, { oversize: 'warn' }),
    ]) {
      expect(await count(act)).toBe(1);
    }
    await grant('a', NOW);
    for (const act of [
      () => grant('b', NOW), // another's
      () => release('b', NOW),
      () => release('a', NOW + 100), // it has ended
      () => catalog.lease(GONE, { owner: 'o', token: 'a', expiresAt: NOW + 100, now: NOW }),
      () => catalog.mark(GONE, { score: 1 }),
      () => catalog.adopt(aRecord('spica-0002', { pin: PIN })),
      () => catalog.commit({ request, life }, aRecord('spica-0003')),
      () => catalog.completeRequest(request, life, ['spica-0003']),
      () => catalog.cancel('req-2', life),
      () => catalog.recordSample(ID, aSample(1), 2),
      () => catalog.beginDelete('spica-0003', deletionBy('job', NOW)),
      () => catalog.endDelete('spica-0003', 'gone', 'job'),
      () => catalog.takeDirty(10),
      () => catalog.markReconciled({ at: 0, graceUntil: 0 }),
    ]) {
      expect(await count(act)).toBe(0);
    }
  });

  it('are counted on from what was seen before, where Redis has lost some: never backwards', async () => {
    await catalog.mark(ID, { score: 1 });
    for (const [least, count] of [
      [5, 5],
      [3, 5],
      [5, 5],
      [0, 5],
      [6, 6],
    ] as const) {
      await catalog.raiseChanges(least);
      expect(await catalog.changes()).toBe(count);
    }
    await catalog.mark(ID, { score: null });
    expect(await catalog.changes()).toBe(7);
  });

  it('are told by their kind and their instance or request, in order, and what was refused is not', async () => {
    const { heard, end } = await listen('clock');
    const grant = { owner: 'o', token: 't', expiresAt: NOW + 10, now: NOW };
    await catalog.lease(ID, grant);
    await catalog.lease(ID, grant);
    await catalog.lease(ID, { ...grant, token: 'another' });
    await catalog.releaseLease(ID, { token: 't', now: NOW });
    await catalog.releaseLease(ID, { token: 't', now: NOW });
    await catalog.mark(ID, { pin: PIN });
    await catalog.mark(ID, { pin: null });
    await catalog.mark(ID, { score: 1 });
    await catalog.mark(ID, { score: null });
    await catalog.mark(ID, { ttlMs: 1 });
    await catalog.mark(ID, { ttlMs: null });
    await catalog.mark(ID, { oversize: 'warn' });
    await catalog.mark(ID, { oversize: null });
    await catalog.mark(GONE, { score: 1 });
    await catalog.adopt(aRecord('spica-0002'));
    await catalog.cancel('req-1', '00000001');
    await catalog.completeRequest('req-2', '00000001', []);
    await catalog.cancel('req-2', '00000001');
    await catalog.leaveNote({ action: 'spawn', outcome: 'forced' });
    await catalog.confirmClock(0);
    expect(await heard).toEqual([
      ...['lease', 'lease', 'release', 'pin', 'unpin', 'score', 'unscore'].map((kind) => ({ kind, of: ID })),
      ...['ttl', 'unttl', 'oversize', 'unoversize'].map((kind) => ({ kind, of: ID })),
      { kind: 'cancel', of: 'req-1' },
      { kind: 'note', of: 'left' },
      { kind: 'clock', of: 'confirmed' },
    ]);
    await end();
  });

  it('are heard again once a connection that was lost is back, and no more once the listening has ended', async () => {
    const { heard, end } = await listen('pin');
    const lost = await listener();
    await redis.call('CLIENT', 'KILL', 'ID', lost ?? '');
    await expect.poll(async () => [undefined, lost].includes(await listener())).toBe(false);
    await catalog.mark(ID, { pin: PIN });
    expect(await heard).toEqual([{ kind: 'pin', of: ID }]);
    await end();
    await expect.poll(listener).toBeUndefined();
  });
});
