import { type Catalog, createCatalog } from '@spica/catalog';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord, commitOne, openCatalog } from './open.ts';

const LIFE = '00000001';

describeOnRedis('a request', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  beforeEach(() => {
    ({ redis, pool, catalog } = openCatalog(server));
  });

  const stateOf = async (id: string, from = catalog) => (await from.get(id))?.state;

  it('has its instances in flight until it completes, and ready then: its own, and those alone', async () => {
    for (const [request, id] of [
      ['req-1', 'spica-0001'],
      ['req-1', 'spica-0002'],
      ['req-2', 'spica-0003'],
    ] as const) {
      await commitOne(catalog, { request, life: LIFE }, id);
    }
    expect(await catalog.get('spica-0001')).toMatchObject({ state: 'in-flight', request: 'req-1' });
    const ids = ['spica-0001', 'spica-0002', 'spica-0003', 'spica-0009'];
    expect(await catalog.completeRequest('req-1', LIFE, ids)).toBe('completed');
    expect(await catalog.get('spica-0001')).toMatchObject({ state: 'ready', request: null });
    expect(await stateOf('spica-0002')).toBe('ready');
    expect(await catalog.get('spica-0003')).toMatchObject({ state: 'in-flight', request: 'req-2' });
    expect(await catalog.get('spica-0009')).toBeNull();
    expect(await catalog.inFlight()).toEqual(new Map([['spica-0003', 'req-2']]));
  });

  it('completes as often as its last step runs', async () => {
    await commitOne(catalog, { request: 'req-1', life: LIFE }, 'spica-0001');
    for (let run = 0; run < 2; run += 1) {
      expect(await catalog.completeRequest('req-1', LIFE, ['spica-0001'])).toBe('completed');
    }
    expect(await stateOf('spica-0001')).toBe('ready');
  });

  it('is not cancelled once it has completed: the answer says so, and nothing changes', async () => {
    expect(await catalog.isCompleted('req-1', LIFE)).toBe(false);
    await catalog.completeRequest('req-1', LIFE, []);
    expect(await catalog.cancel('req-1', LIFE)).toBe('completed');
    expect(await catalog.isCancelled('req-1', LIFE)).toBe(false);
    expect(await catalog.isCompleted('req-1', LIFE)).toBe(true);
  });

  it('does not complete once it is cancelled: its instances stay in flight, for the undo', async () => {
    await commitOne(catalog, { request: 'req-1', life: LIFE }, 'spica-0001');
    for (let time = 0; time < 2; time += 1) expect(await catalog.cancel('req-1', LIFE)).toBe('cancelled');
    expect(await catalog.isCancelled('req-1', LIFE)).toBe(true);
    expect(await catalog.completeRequest('req-1', LIFE, ['spica-0001'])).toBe('cancelled');
    expect(await stateOf('spica-0001')).toBe('in-flight');
    expect(await catalog.cancel('req-1', LIFE)).toBe('cancelled'); // a completion in vain left no trace
  });

  it('in one life says nothing about another life, nor another request', async () => {
    const later = { request: 'req-1', life: '00000002' };
    await catalog.cancel('req-1', LIFE);
    expect(await catalog.isCancelled('req-1', later.life)).toBe(false);
    expect(await catalog.isCancelled('req-2', LIFE)).toBe(false);
    expect(await catalog.commit(later, aRecord('spica-0001'))).toBe('committed');
    expect(await catalog.completeRequest('req-1', later.life, ['spica-0001'])).toBe('completed');
    expect(await stateOf('spica-0001')).toBe('ready');
    expect(await catalog.completeRequest('req-1', LIFE, [])).toBe('cancelled');
    expect(await catalog.cancel('req-1', '00000003')).toBe('cancelled');
    expect(await catalog.cancel('req-1', later.life)).toBe('completed');
    expect(await catalog.cancel('req-2', later.life)).toBe('cancelled');
  });

  it('is remembered for 30 days, longer than any lives, whether it completed or was cancelled', async () => {
    await catalog.completeRequest('req-1', LIFE, []);
    await catalog.cancel('req-2', LIFE);
    const keys = await redis.keys(`{spica:${pool}}:catalog:*:req-*`);
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      const seconds = await redis.ttl(key);
      expect(seconds).toBeGreaterThan(30 * 86_400 - 60);
      expect(seconds).toBeLessThanOrEqual(30 * 86_400);
    }
  });

  it('completes or is cancelled, never both, when both happen at the same moment', async () => {
    const other = new Redis(server.url);
    const elsewhere = createCatalog({ redis: other, pool });
    for (let round = 0; round < 200; round += 1) {
      const [request, ids] = [
        `req-${round}`,
        [0, 1].map((i) => `spica-${(0x10000 + round * 2 + i).toString(16)}`),
      ];
      await Promise.all(ids.map((id) => commitOne(catalog, { request, life: LIFE }, id)));
      const complete = () => catalog.completeRequest(request, LIFE, ids);
      const cancelIt = () => elsewhere.cancel(request, LIFE);
      // At the same moment, each sent first in turn: which of them is served first is up to the sockets.
      const [end, cancel] =
        round % 2 === 0
          ? await Promise.all([complete(), cancelIt()])
          : (await Promise.all([cancelIt(), complete()])).toReversed();
      expect([end, cancel]).toEqual(Array(2).fill(end)); // both are told of the one that won
      expect(await elsewhere.isCancelled(request, LIFE)).toBe(end === 'cancelled');
      const expected = end === 'completed' ? 'ready' : 'in-flight';
      for (const id of ids) expect(await stateOf(id, elsewhere)).toBe(expected);
    }
    other.disconnect();
  });
});
