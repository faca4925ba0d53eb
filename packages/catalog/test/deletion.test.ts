import { type Catalog, createCatalog } from '@spica/catalog';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord, commitOne, deletionBy, openCatalog } from './open.ts';

const NOW = 1_700_000_000_000;
const ID = 'spica-0001';
const BEGUN = { outcome: 'begun' };
const DELETING = { outcome: 'deleting' };

describeOnRedis('the deletion of an instance', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  beforeEach(async () => {
    ({ redis, pool, catalog } = openCatalog(server));
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
  });

  const begin = (owner: string, now = NOW) => catalog.beginDelete(ID, deletionBy(owner, now));
  const state = async () => (await catalog.get(ID))?.state ?? 'gone';
  const lease = (now = NOW) =>
    catalog.lease(ID, { owner: 'runner', token: 't', expiresAt: now + 1_000, now });

  it('is begun by one of many that want to, and only that one may go on with it', async () => {
    await catalog.adopt(aRecord(ID));
    const owners = ['job-1', 'job-2', 'job-3'];
    const answers = await Promise.all(owners.map((owner) => begin(owner)));
    expect(answers).toEqual([BEGUN, DELETING, DELETING]);
    expect(await state()).toBe('deleting');
    expect(await begin('job-1')).toEqual(BEGUN); // its job runs again
    expect(await begin('job-2')).toEqual(DELETING);
  });

  it('is ended by its owner alone: for others nothing changes', async () => {
    await catalog.adopt(aRecord(ID));
    await begin('job-1');
    for (const outcome of ['kept', 'gone'] as const) {
      expect(await catalog.endDelete(ID, outcome, 'job-2')).toBe(false);
      expect(await state()).toBe('deleting');
      expect(await begin('job-1')).toEqual(BEGUN);
    }
    expect(await catalog.endDelete(ID, 'kept', 'job-1')).toBe(true);
    expect(await state()).toBe('ready');
    expect(await begin('job-2')).toEqual(BEGUN);
    expect(await catalog.endDelete(ID, 'gone', 'job-2')).toBe(true);
    expect(await state()).toBe('gone');
    expect(await begin('job-1')).toEqual({ outcome: 'absent' });
    expect(await catalog.count()).toBe(0);
    expect(await catalog.endDelete(ID, 'gone', 'job-2')).toBe(false);
  });

  it('does not go on once its mark was taken back, though the instance was marked when its job began', async () => {
    await catalog.adopt(aRecord(ID));
    await begin('job-1');
    expect(await catalog.endDelete(ID, 'kept', 'job-1')).toBe(true);
    expect(await lease()).toEqual({ outcome: 'granted' });
    expect(await catalog.endDelete(ID, 'gone', 'job-1')).toBe(false);
    expect(await begin('job-1')).toMatchObject({ outcome: 'leased', owner: 'runner' });
    expect(await state()).toBe('ready');
  });

  it('is ended for whoever began it where no owner is named, and where nobody began it', async () => {
    await catalog.adopt(aRecord(ID));
    await begin('job-1');
    expect(await catalog.endDelete(ID, 'kept', null)).toBe(true);
    expect(await state()).toBe('ready');
    await begin('job-1');
    expect(await catalog.endDelete(ID, 'gone', null)).toBe(true);
    expect(await state()).toBe('gone');
    await catalog.adopt(aRecord(ID));
    expect(await catalog.endDelete(ID, 'gone', 'job-1')).toBe(false);
    expect(await state()).toBe('ready');
    expect(await catalog.endDelete(ID, 'gone', null)).toBe(true); // it vanished from the disk
    expect(await state()).toBe('gone');
  });

  it('leaves nothing of the instance behind', async () => {
    const before = (await redis.keys(`{spica:${pool}}:*`)).toSorted();
    await commitOne(catalog, { request: 'req-1', life: '00000001' }, ID);
    await catalog.mark(ID, { ttlMs: 5 });
    await catalog.endDelete(ID, 'gone', null);
    expect(await catalog.inFlight()).toEqual(new Map());
    expect(await catalog.takeDirty(10)).toEqual([]);
    expect(await catalog.listDue(1e15, 10)).toEqual([]);
    expect(await catalog.hasEarly()).toBe(false);
    // How many changes there were, and of which instances the last ones were.
    const bounded = ['changes', 'touched'].map((name) => `{spica:${pool}}:catalog:${name}`);
    expect((await redis.keys(`{spica:${pool}}:*`)).toSorted()).toEqual([...bounded, ...before].toSorted());
  });

  it('of one in flight begins only on behalf of its own request, whatever else protects it', async () => {
    const pin = { by: 'eve', why: 'paper', at: NOW };
    await commitOne(catalog, { request: 'req-1', life: '00000001' }, ID);
    await catalog.mark(ID, { pin });
    await lease();
    const inFlight = { outcome: 'in-flight', request: 'req-1' };
    expect(await begin('job-1')).toEqual(inFlight);
    const onBehalfOf = (request: string) =>
      catalog.beginDelete(ID, deletionBy('undo', NOW, { request, changesSeen: 1e9 }));
    expect(await onBehalfOf('req-2')).toEqual(inFlight);
    await redis.del(`{spica:${pool}}:catalog:reconciled`);
    expect(await onBehalfOf('req-1')).toEqual(BEGUN);
    expect(await catalog.endDelete(ID, 'kept', 'undo')).toBe(true);
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
    await catalog.completeRequest('req-1', '00000001', [ID]);
    // It is not in flight any more, so that its request is no reason.
    const answer = await catalog.beginDelete(ID, deletionBy('undo', NOW, { request: 'req-1' }));
    expect(answer).toEqual({ outcome: 'pinned', pin });
  });

  it('does not begin while a pin or a lease protects it, nor before the disk was compared, nor in grace', async () => {
    const pin = { by: 'eve', why: 'paper', at: NOW };
    await catalog.adopt(
      aRecord(ID, { lease: { owner: 'runner', tokenHash: 'ab', expiresAt: NOW + 10, since: NOW } }),
    );
    await catalog.adopt(aRecord('spica-0002', { pin }));
    expect(await begin('job', NOW + 9)).toEqual({ outcome: 'leased', owner: 'runner', expiresAt: NOW + 10 });
    const pinned = await catalog.beginDelete('spica-0002', deletionBy('job', NOW + 1e9));
    expect(pinned).toEqual({ outcome: 'pinned', pin });
    await catalog.markReconciled({ at: NOW, graceUntil: NOW + 20 });
    expect(await begin('job', NOW + 10)).toEqual({ outcome: 'grace', until: NOW + 20 });
    await redis.del(`{spica:${pool}}:catalog:reconciled`);
    expect(await begin('job', NOW + 20)).toEqual({ outcome: 'unreconciled' });
    await catalog.markReconciled({ at: NOW, graceUntil: NOW + 20 });
    expect(await begin('job', NOW + 20)).toEqual(BEGUN);
  });

  it('does not begin where Redis knows of fewer changes than the caller has seen', async () => {
    await catalog.adopt(aRecord(ID));
    await catalog.mark(ID, { score: 1 });
    await catalog.mark(ID, { score: 2 });
    const seen = (changesSeen: number) => catalog.beginDelete(ID, deletionBy('job', NOW, { changesSeen }));
    expect(await seen(3)).toEqual({ outcome: 'rolled-back' });
    expect(await state()).toBe('ready');
    await redis.set(`{spica:${pool}}:catalog:changes`, '1'); // what a lagging replica knew
    expect(await seen(2)).toEqual({ outcome: 'rolled-back' });
    await redis.del(`{spica:${pool}}:catalog:changes`);
    expect(await seen(2)).toEqual({ outcome: 'rolled-back' });
    await catalog.raiseChanges(2);
    expect(await seen(2)).toEqual(BEGUN);
  });

  it('keeps leases, pins and other marks from being set while it is under way', async () => {
    await catalog.adopt(aRecord(ID));
    await begin('job-1');
    const changes = await catalog.changes();
    expect(await lease()).toEqual(DELETING);
    expect(await catalog.mark(ID, { pin: { by: 'eve', why: 'paper', at: NOW } })).toBe('deleting');
    expect(await catalog.mark(ID, { score: 1 })).toBe('deleting');
    expect((await catalog.get(ID))?.record).toEqual(aRecord(ID));
    expect(await catalog.changes()).toBe(changes);
  });

  it('or a lease: never both, when both are asked for at the same moment', async () => {
    const other = new Redis(server.url);
    const elsewhere = createCatalog({ redis: other, pool });
    const grant = { owner: 'runner', token: 't', expiresAt: NOW + 1, now: NOW };
    const both: string[] = [];
    for (let round = 0; round < 100; round += 1) {
      const ids = Array.from({ length: 100 }, (_, i) => `spica-${(0x10000 + round * 100 + i).toString(16)}`);
      await Promise.all(ids.map((id) => catalog.adopt(aRecord(id))));
      const remove = (id: string) => catalog.beginDelete(id, deletionBy('job', NOW));
      const outcomes = await Promise.all(
        ids.map(async (id, i) => {
          // Each is sent first in turn: which of them is served first is up to the sockets.
          const asked = i % 2 === 0 ? remove(id) : null;
          const granting = elsewhere.lease(id, grant);
          const [granted, begun] = await Promise.all([granting, asked ?? remove(id)]);
          return { id, granted: granted.outcome === 'granted', begun: begun.outcome === 'begun' };
        }),
      );
      for (const { id, granted, begun } of outcomes) {
        if (granted === begun) both.push(id);
      }
    }
    other.disconnect();
    expect(both).toEqual([]);
  });
});
