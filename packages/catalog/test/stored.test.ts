import { type Catalog, createCatalog } from '@spica/catalog';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aFinished, aRecord, aSample, listAll, openCatalog } from './open.ts';

type Read = (each: Catalog) => Promise<unknown>;
const LIFE = '00000001';
const NO_LIMITS = { breaker: { failures: 0, openedAt: null, probe: null, cause: null }, starts: [] };

describeOnRedis('what the catalog keeps in Redis', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  const key = (name: string) => `{spica:${pool}}:catalog:${name}`;
  beforeEach(() => {
    ({ redis, pool, catalog } = openCatalog(server));
  });

  async function expectNamed(name: string, read: Read): Promise<void> {
    await expect(read(catalog)).rejects.toMatchObject({ kind: 'check', code: 'CATALOG_CORRUPT' });
    await expect(read(catalog)).rejects.toThrow(`the catalog's ${key(name)} cannot be read: `);
    await expect(read(catalog)).rejects.toThrow(/^[^\n]+$/);
  }

  it.each<[string, Record<string, string>, Read]>([
    ['identity', { id: 'a', method: 'magic' }, (each) => each.identity()],
    ['reconciled', { at: 'noon', graceUntil: '0' }, (each) => each.reconciled()],
    ['reconciled', { at: '0' }, (each) => each.reconciled()],
    ['clock', { acceptedOffsetMs: 'much' }, (each) => each.clockState()],
    ['clock', { suspended: '{"kind":"whim"}' }, (each) => each.clockState()],
    ['instance:spica-0001', { record: '{}' }, (each) => each.get('spica-0001')],
    ['instance:spica-0001', { pin: '{}' }, (each) => each.get('spica-0001')],
    ['instance:spica-0001', { record: '{}' }, (each) => each.getMany(['spica-0001'])],
    ['instance:spica-0001', { record: '{}' }, (each) => each.recordSample('spica-0001', aSample(1), 2)],
    ['finished:template:t', { 'spica-0001': '{}' }, (each) => each.refreshProfile('template:t')],
  ])('is named by its key when it cannot be read: %s %j', async (name, fields, read) => {
    await redis.hset(key(name), fields);
    await expectNamed(name, read);
  });

  it.each<[string, string, Read]>([
    ['disk-marks', '{"seq":1}', (each) => each.diskMarks()],
    ['pressure', '{"level":"awful","since":0,"at":0}', (each) => each.pressure()],
    ['plan:abc', '{"at":0}', (each) => each.plan('abc')],
    ['tombstone:spica-0001', '{ half', (each) => each.tombstone('spica-0001')],
    ['profile:template:t', '{"n":1}', (each) => each.readProfile('template:t')],
  ])('is named by its key when it cannot be read: %s %s', async (name, text, read) => {
    await redis.set(key(name), text);
    await expectNamed(name, read);
  });

  it('is named by its key when a point of the disk cannot be read', async () => {
    await redis.zadd(key('disk-history'), 1, '[1,2]');
    await expectNamed('disk-history', (each) => each.diskHistory());
  });

  it.each(
    (['sample', 'leaseUntil', 'leaseSince', 'pin', 'ttl', 'score', 'oversize'] as const).map((field) => [
      field,
    ]),
  )('is not read as an instance when one field of it cannot be: %s', async (field) => {
    await catalog.adopt(
      aRecord('spica-0001', { lease: { owner: 'o', tokenHash: 'h', expiresAt: 1, since: 1 } }),
    );
    await redis.hset(key('instance:spica-0001'), field, '{ half');
    await expectNamed('instance:spica-0001', (each) => each.get('spica-0001'));
  });

  it('keeps the list from being read as if nothing were wrong', async () => {
    await catalog.adopt(aRecord('spica-0001'));
    await redis.hset(key('instance:spica-0001'), 'record', 'x');
    await expect(listAll(catalog)).rejects.toMatchObject({ code: 'CATALOG_CORRUPT' });
  });

  it('lets no instance pass for ready when it cannot be told which are in flight', async () => {
    await catalog.adopt(aRecord('spica-0001'));
    await redis.set(key('in-flight'), 'not a hash');
    await expect(catalog.get('spica-0001')).rejects.toThrow(/WRONGTYPE/);
  });

  it("is one pool's alone: two pools do not touch each other, one's name in the other's or not", async () => {
    const others = `${pool}x`;
    const other = createCatalog({ redis, pool: others });
    await other.identify({ id: 'o', method: 'copy' });
    await other.markReconciled({ at: 0, graceUntil: 0 });
    await other.adopt(aRecord('spica-0001'));
    await other.commit({ request: 'req-1', life: LIFE }, aRecord('spica-0002', { ttlMs: 1 }));
    await other.lease('spica-0001', { owner: 'o', token: 't', expiresAt: 9, now: 1 });
    await other.recordSample('spica-0001', aSample(1), 2);
    await other.recordFinished('template:t', 'spica-0001', aFinished(1, 1));
    await other.refreshProfile('template:t');
    await other.completeRequest('req-2', LIFE, []);
    await other.cancel('req-1', LIFE);
    await other.leaveNote({ action: 'prune', outcome: 'forced' });
    await other.bury({ lastSeenAt: 1, record: aRecord('spica-0003') });
    await other.saveDiskHistory([]);
    await other.savePressure({ level: 'low', since: 1, at: 2, reason: null });
    await other.suspendAges({ kind: 'jump', reason: 'r', aheadMs: 1, by: 'b' });
    const figures = {
      at: 1,
      sums: {
        reserved: { bytes: 1, inodes: 1, slots: 1 },
        growth: { bytes: 0, inodes: 0 },
        instances: 1,
        landed: { bytes: 0, inodes: 0 },
        bounds: {},
      },
      ownBytes: 1,
      atCap: null,
      orphanedBytes: null,
      share: 1,
      retention: null,
      floorBytes: null,
      root: null,
      disk: null,
      facts: null,
      audit: null,
      limits: NO_LIMITS,
    };
    await other.publishGate(figures, { held: [], heldCount: 0 });
    expect(await redis.keys(`{spica:${pool}}*`)).toEqual([]);

    expect(await catalog.cancel('req-2', LIFE)).toBe('cancelled');
    expect(await catalog.completeRequest('req-1', LIFE, ['spica-0002'])).toBe('completed');
    expect(await catalog.adopt(aRecord('spica-0001'))).toBe(true);
    expect(await catalog.endDelete('spica-0002', 'gone', null)).toBe(true);
    expect(await catalog.releaseLease('spica-0001', { token: 't', now: 1 })).toEqual({ outcome: 'none' });
    expect(await catalog.takeDirty(9)).toEqual([]);
    await catalog.dropNotes(9);
    expect(await other.isCancelled('req-2', LIFE)).toBe(false);
    expect((await other.get('spica-0001'))?.record.lease?.owner).toBe('o');
    expect(await other.inFlight()).toEqual(new Map([['spica-0002', 'req-1']]));
    expect(await other.changes()).toBe(1);
    expect(await catalog.changes()).toBe(0);
    expect(await other.takeDirty(9)).toEqual(['spica-0001']);
    expect(await other.readNotes(9)).toHaveLength(1);
  });

  it('remembers who the pool is, until told to forget it', async () => {
    expect(await catalog.identity()).toBeNull();
    await catalog.identify({ id: 'a', method: 'reflink' });
    await catalog.identify({ id: 'a', method: 'copy' });
    expect(await catalog.identity()).toEqual({ id: 'a', method: 'copy' });
    await catalog.forgetIdentity();
    expect(await catalog.identity()).toBeNull();
  });

  it('remembers when the disk was compared, as it was said last', async () => {
    expect(await catalog.reconciled()).toBeNull();
    await catalog.markReconciled({ at: 1, graceUntil: 9 });
    await catalog.markReconciled({ at: 2, graceUntil: 0 });
    expect(await catalog.reconciled()).toEqual({ at: 2, graceUntil: 0 });
  });
});
