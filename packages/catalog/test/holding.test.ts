import type { Catalog } from '@spica/catalog';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { openFreshCatalog } from './open.ts';

describeOnRedis('held requests', (server) => {
  let redis: Redis;
  let catalog: Catalog;
  beforeEach(() => {
    redis = new Redis(server.url);
    catalog = openFreshCatalog(redis);
    return () => redis.disconnect();
  });
  const held = async () => (await catalog.held()).map(({ request }) => request);

  it('are in order of how long they have been held, whatever order they came in', async () => {
    for (const [request, at] of [
      ['req-c', 30],
      ['req-a', 10],
      ['req-b2', 20],
      ['req-b1', 20],
    ] as const) {
      await catalog.hold(request, { at, submittedAt: at, reason: 'no slots', count: 2 });
    }
    expect(await held()).toEqual(['req-a', 'req-b1', 'req-b2', 'req-c']);
  });

  it('keep their place and say the newest reason when they are held again', async () => {
    await catalog.hold('req-a', { at: 10, submittedAt: 10, reason: 'no slots', count: 2 });
    await catalog.hold('req-a', { at: 10, submittedAt: 10, reason: '2 GB "short"\n', count: 2 });
    expect(await catalog.held()).toEqual([
      { request: 'req-a', heldAt: 10, submittedAt: 10, reason: '2 GB "short"\n', count: 2 },
    ]);
  });

  it('are gone once released, and releasing again is no error', async () => {
    await catalog.hold('req-a', { at: 10, submittedAt: 10, reason: 'no slots', count: 2 });
    await catalog.release('req-a');
    await catalog.release('req-a');
    expect(await held()).toEqual([]);
  });
});
