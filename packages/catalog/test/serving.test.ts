import { connectProducer } from '@spica/queues';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import type { Catalog, Server } from '../src/index.ts';
import { openFreshCatalog } from './open.ts';

const POOL = { id: 'a', method: 'copy', root: '/pool' } as const;

function aServer(token: string): Server {
  return { token, pid: 1, startTicks: '1', boot: 'b', host: 'h', purpose: 'spica up', since: 'then' };
}

describeOnRedis('the right to serve a pool', (server) => {
  let redis: Redis;
  let catalog: Catalog;
  beforeEach(async () => {
    await server.flush();
    redis = await connectProducer({ url: server.url });
    catalog = openFreshCatalog(redis);
    return () => redis.disconnect();
  });

  it('is had by one server, who keeps it, until it is given back', async () => {
    const [one, two] = [aServer('1'), aServer('2')];
    expect(await catalog.server()).toBeNull();
    expect(await catalog.serve(POOL, one)).toBeNull();
    expect(await catalog.serve({ ...POOL, root: '/moved' }, one)).toBeNull();
    const known = { ...POOL, root: '/moved' };
    expect(await catalog.identity()).toEqual(known);
    expect(await catalog.serve(POOL, two)).toEqual({ known, server: one });
    await catalog.endServing(two);
    expect(await catalog.server()).toEqual(one);
    await catalog.endServing(one);
    expect(await catalog.serve(POOL, two)).toBeNull();
    expect(await catalog.server()).toEqual(two);
  });

  it('ends by itself with a server that says nothing more', async () => {
    await catalog.serve(POOL, aServer('1'));
    const [key = ''] = await redis.keys('*:server');
    expect(await redis.pttl(key)).toBeGreaterThan(10_000);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(15_000);
  });

  it('goes to another in the place of a server that is known to be dead, and of no other', async () => {
    const [one, two] = [aServer('1'), aServer('2')];
    await catalog.serve(POOL, one);
    expect(await catalog.serve(POOL, two, { instead: '3' })).toMatchObject({ server: one });
    expect(await catalog.serve(POOL, two, { instead: '1' })).toBeNull();
    expect(await catalog.serve(POOL, one, { instead: '1' })).toMatchObject({ server: two });
  });

  it('is refused to a pool of another id, served or not, until the name is forgotten', async () => {
    const [one, two] = [aServer('1'), aServer('2')];
    const other = { ...POOL, id: 'b' };
    await catalog.serve(POOL, one);
    expect(await catalog.serve(other, two)).toEqual({ known: POOL, server: one });
    expect(await catalog.serve(other, two, { instead: '1' })).toEqual({ known: POOL, server: one });
    await catalog.endServing(one);
    expect(await catalog.serve(other, two)).toEqual({ known: POOL, server: null });
    await catalog.forgetIdentity();
    expect(await catalog.serve(other, two)).toBeNull();
    expect(await catalog.serve(POOL, one)).toEqual({ known: other, server: two });
  });
});
