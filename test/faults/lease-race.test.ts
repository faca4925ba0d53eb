import { type Catalog, createCatalog } from '@spica/catalog';
import { connectWorker } from '@spica/queues';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { aRecord } from '../../packages/catalog/test/open.ts';
import { describeOnRedis } from '../support/redis.ts';

const RACES = 10_000;
const NOW = 1_790_000_000_000;
const LEASE = { owner: 'ada', token: 't', expiresAt: NOW + 3_600_000, now: NOW };

describeOnRedis('a lease that is asked for at the moment of a deletion', (redis) => {
  let connections: Redis[];
  let runner: Catalog;
  let pruner: Catalog;

  beforeEach(() => {
    // Two connections: Redis serves them in the order in which they happen to arrive.
    connections = [0, 1].map(() => connectWorker({ url: redis.url }));
    const [forRunner, forPruner] = connections;
    if (!forRunner || !forPruner) throw new Error('no connections');
    runner = createCatalog({ redis: forRunner, pool: 'race' });
    pruner = createCatalog({ redis: forPruner, pool: 'race' });
    return async () => {
      for (const connection of connections) connection.disconnect();
      await redis.flush();
    };
  });

  it('is granted or finds the instance being deleted; never both, and who is second is told why', async () => {
    await pruner.markReconciled({ at: NOW, graceUntil: 0 });
    const firsts = { lease: 0, deletion: 0 };
    for (let race = 0; race < RACES; race += 1) {
      const id = `spica-${race.toString(16).padStart(8, '0')}`;
      await pruner.adopt(aRecord(id));
      const lease = () => runner.lease(id, LEASE);
      const begin = () => pruner.beginDelete(id, { owner: 'pruner', now: NOW, changesSeen: 0 });
      // Who is sent first takes turns. Which of them is served first is up to the sockets, which may always say the same:
      // so now and then the first is waited for.
      const [first, second] = race % 2 === 0 ? [lease, begin] : [begin, lease];
      const outcomes = (
        race % 100 < 2 ? [await first(), await second()] : await Promise.all([first(), second()])
      ) as [{ outcome: string }, { outcome: string }];
      const [granted, begun] = race % 2 === 0 ? outcomes : [outcomes[1], outcomes[0]];
      if (granted.outcome === 'granted') {
        expect(begun).toEqual({ outcome: 'leased', owner: 'ada', expiresAt: LEASE.expiresAt });
        expect(await pruner.get(id)).toMatchObject({ state: 'ready', record: { lease: { owner: 'ada' } } });
        firsts.lease += 1;
      } else {
        expect(granted).toEqual({ outcome: 'deleting' });
        expect(begun).toEqual({ outcome: 'begun' });
        expect(await pruner.get(id)).toMatchObject({ state: 'deleting', record: { lease: null } });
        firsts.deletion += 1;
      }
      await pruner.endDelete(id, 'gone', null);
    }
    expect(firsts.lease).toBeGreaterThanOrEqual(RACES / 100);
    expect(firsts.deletion).toBeGreaterThanOrEqual(RACES / 100);
  });
});
