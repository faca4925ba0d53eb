import { type Catalog, createCatalog } from '@spica/catalog';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aFinished, aRecord, freshPool, listAll } from './open.ts';

describeOnRedis('what the catalog keeps in Redis', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  const key = (name: string) => `{spica:${pool}}:catalog:${name}`;
  beforeEach(() => {
    redis = new Redis(server.url);
    pool = freshPool();
    catalog = createCatalog({ redis, pool });
    return () => redis.disconnect();
  });

  it.each<[string, Record<string, string>, (each: Catalog) => Promise<unknown>]>([
    ['identity', { id: 'a', method: 'magic' }, (each) => each.identity()],
    ['reconciled', { at: 'noon', graceUntil: '0' }, (each) => each.reconciled()],
    ['totals', { bytes: 'many' }, (each) => each.ledger(0)],
    ['reservations', { 'req-1': '{"slots":-1}' }, (each) => each.reservations()],
    ['held', { 'req-1': '{ half' }, (each) => each.held()],
    ['instance:spica-0001', { record: '{}' }, (each) => each.get('spica-0001')],
    ['instance:spica-0001', { pin: '{}' }, (each) => each.get('spica-0001')],
  ])('is named by its key when it cannot be read: %s %j', async (name, fields, read) => {
    await redis.hset(key(name), fields);
    await expect(read(catalog)).rejects.toMatchObject({ kind: 'check', code: 'CATALOG_CORRUPT' });
    await expect(read(catalog)).rejects.toThrow(`the catalog's ${key(name)} cannot be read: `);
    await expect(read(catalog)).rejects.toThrow(/^[^\n]+$/);
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
    const other = createCatalog({ redis, pool: `${pool}0` });
    await other.identify({ id: 'o', method: 'copy' });
    await other.adopt(aRecord('spica-0001'));
    await other.hold('req-1', { at: 1, submittedAt: 1, reason: 'r', count: 1 });
    await other.recordFinished('template:t', 'spica-0001', aFinished(1, 1));
    await other.refreshProfile('template:t');
    await other.reserve(
      { request: 'req-1', fingerprint: 'f', perInstance: { bytes: 1, inodes: 1 }, count: 1, at: 1 },
      { bytes: 10, inodes: null, slots: 10 },
      { bytes: 0, inodes: 0 },
    );
    expect(await catalog.identity()).toBeNull();
    expect(await catalog.get('spica-0001')).toBeNull();
    expect(await catalog.held()).toEqual([]);
    expect(await catalog.reservations()).toEqual([]);
    expect(await catalog.profileOf('template:t')).toBeNull();
    expect(await catalog.listDue(1e15, 10)).toEqual([]);
    expect(await catalog.giveBack('req-1')).toBe(false);
    expect(await catalog.ledger(1)).toMatchObject({ instances: 0, reserved: { slots: 0 } });
    expect(await other.ledger(1)).toMatchObject({ instances: 1, reserved: { slots: 1 } });
  });

  it('remembers who the pool is, until told to forget it', async () => {
    expect(await catalog.identity()).toBeNull();
    await catalog.identify({ id: 'a', method: 'reflink' });
    await catalog.identify({ id: 'a', method: 'copy' });
    expect(await catalog.identity()).toEqual({ id: 'a', method: 'copy' });
    await catalog.forgetIdentity();
    expect(await catalog.identity()).toBeNull();
  });
});
