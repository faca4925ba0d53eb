import { type Catalog, createCatalog, type PublishedGate } from '@spica/catalog';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { freshPool, openCatalog } from './open.ts';

const NOW = 1_700_000_000_000;
const WITHIN = 1_000;
const NOTHING = { bytes: 0, inodes: 0 };

const held = (request: string, heldAt: number, reason = 'no slots') => ({
  request,
  heldAt,
  submittedAt: heldAt - 1,
  reason,
  count: 2,
  short: {
    shortfall: { bytes: 1, inodes: 2, slots: 3 },
    frees: { count: 2, until: heldAt + 9, by: 'leases' as const },
    help: '2 leases end',
  },
});

function aGate(change: Partial<PublishedGate> = {}): PublishedGate {
  return {
    at: NOW,
    atCap: 2,
    orphanedBytes: 4_096,
    sums: {
      reserved: { bytes: 99_999_999_999_999, inodes: 20_011, slots: 3 },
      growth: { bytes: 1, inodes: 2 },
      instances: 4,
      landed: { bytes: 5, inodes: 6 },
      bounds: { disk: { reservedBytes: 1, growthBytes: 2, landedBytes: 3 } },
    },
    ownBytes: 7,
    share: 0.5,
    retention: {
      maxInstances: 10,
      maxAgeMs: 1_000,
      maxPerExperiment: null,
      keepBest: 1,
      minAgeMs: 0,
      keepAfterLeaseMs: 60_000,
      order: 'least_recently_leased',
    },
    floorBytes: 20e9,
    root: '/srv/pool',
    disk: {
      at: NOW,
      totalBytes: 9,
      availableBytes: 5,
      freeInodes: null,
      floorBytes: 2,
      targetBytes: 3,
      imageHost: { availableBytes: 4, floorBytes: 1, mayGrowBytes: 7 },
      forecast: { trend: 'filling', untilFloorMs: 3, soonestMs: 2, latestMs: 4, bytesPerHour: 5 },
    },
    facts: {
      host: 'h',
      filesystem: 'ext4',
      templates: ['default'],
      minFreeBytes: 2,
      maxInstanceBytes: null,
      maxPoolBytes: 8,
    },
    audit: { checkedAt: NOW, entries: 12, problem: 'a:3: not a line' },
    limits: {
      breaker: { failures: 2, openedAt: NOW - 5, probe: { request: 'req-9', since: NOW - 4 }, cause: 'x' },
      starts: [
        { at: NOW - 3, count: 2, request: 'req-8' },
        { at: NOW - 2, count: 1, request: null },
      ],
    },
    held: [held('req-c', 30, '2 GB "short"\n'), held('req-a', 31)],
    heldCount: 250,
    ...change,
  };
}

describeOnRedis('the gate of a pool, as others see it', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  beforeEach(() => {
    ({ redis, pool, catalog } = openCatalog(server));
  });

  it('is as it was published last, the line in its order; nothing before', async () => {
    expect(await catalog.publishedGate()).toBeNull();
    await catalog.publishGate(aGate(), aGate());
    expect(await catalog.publishedGate()).toEqual(aGate());
    const closed = aGate({
      at: NOW + 1,
      limits: { breaker: { failures: 0, openedAt: null, probe: null, cause: null }, starts: [] },
      held: [],
      heldCount: 0,
    });
    await catalog.publishGate(closed, closed);
    expect(await catalog.publishedGate()).toEqual(closed);
  });

  it('keeps the line that was published last, and asks for it where Redis has lost it', async () => {
    expect(await catalog.publishGate(aGate(), null)).toBe('line-missing');
    expect(await catalog.publishedGate()).toBeNull();
    expect(await catalog.publishGate(aGate(), aGate())).toBe('published');
    expect(await catalog.publishGate(aGate({ at: NOW + 1 }), null)).toBe('published');
    expect(await catalog.publishedGate()).toEqual(aGate({ at: NOW + 1 }));
    await server.flush();
    expect(await catalog.publishGate(aGate(), null)).toBe('line-missing');
  });

  it.each([
    ['is no JSON', 'held'],
    ['was cut off', JSON.stringify(aGate()).slice(0, -9)],
    ['is null', 'null'],
    ['lacks a part', JSON.stringify({ ...aGate(), sums: undefined, held: undefined })],
    ['has a part of another shape', JSON.stringify({ ...aGate(), sums: [], held: { 'req-1': {} } })],
    ['has a figure that is a text', JSON.stringify({ ...aGate(), ownBytes: '7', heldCount: '7' })],
  ])('is unknown where what another version wrote %s, until it is published anew', async (_what, text) => {
    for (const field of ['figures', 'line']) {
      await catalog.publishGate(aGate(), aGate());
      await redis.hset(`{spica:${pool}}:catalog:published`, field, text);
      expect(await catalog.publishedGate()).toBeNull();
    }
    await catalog.publishGate(aGate(), aGate());
    expect(await catalog.publishedGate()).toEqual(aGate());
  });

  it('is read without what a later version has added to it', async () => {
    const later = { ...aGate(), weather: 'fine', sums: { ...aGate().sums, clouds: 3 } };
    const fields = { figures: JSON.stringify(later), line: JSON.stringify(later) };
    await redis.hset(`{spica:${pool}}:catalog:published`, fields);
    expect(await catalog.publishedGate()).toEqual(aGate());
  });
});

describeOnRedis('a filesystem that several processes reserve on', (server) => {
  let redis: Redis;
  let filesystem: string;
  let catalog: Catalog;
  beforeEach(() => {
    redis = new Redis(server.url);
    filesystem = `fs-of-${freshPool()}`;
    catalog = createCatalog({ redis, pool: freshPool() });
    return () => redis.disconnect();
  });

  const key = () => `spica:filesystem:${filesystem}`;
  const exchange = (process: string, at: number, bytes: number, by = catalog) =>
    by.exchangeOnFilesystem(filesystem, { process, at, size: { bytes, inodes: bytes / 10 } }, WITHIN);

  it('has for each of them the sum of what all others have reserved, as each published last', async () => {
    expect(await exchange('a', NOW, 100)).toEqual(NOTHING);
    expect(await exchange('b', NOW, 20)).toEqual({ bytes: 100, inodes: 10 });
    expect(await exchange('c', NOW, 3_000)).toEqual({ bytes: 120, inodes: 12 });
    expect(await exchange('a', NOW, 500)).toEqual({ bytes: 3_020, inodes: 302 });
    expect(await exchange('c', NOW, 0)).toEqual({ bytes: 520, inodes: 52 });
    expect(await exchange('b', NOW, 20)).toEqual({ bytes: 500, inodes: 50 });
  });

  it('is one for pools of different names, and another filesystem is another matter', async () => {
    const other = createCatalog({ redis, pool: freshPool() });
    await exchange('a', NOW, 100);
    expect(await exchange('b', NOW, 20, other)).toEqual({ bytes: 100, inodes: 10 });
    expect(await exchange('a', NOW, 100)).toEqual({ bytes: 20, inodes: 2 });
    const mine = { process: 'a', at: NOW, size: { bytes: 1, inodes: 1 } };
    expect(await catalog.exchangeOnFilesystem(`${filesystem}-2`, mine, WITHIN)).toEqual(NOTHING);
  });

  it('forgets who has said nothing for longer than asked, and keeps who has just not', async () => {
    await exchange('ended', NOW, 100);
    await exchange('quiet', NOW + 1, 20);
    expect(await exchange('a', NOW + WITHIN + 1, 3_000)).toEqual({ bytes: 20, inodes: 2 });
    expect((await redis.hkeys(key())).toSorted()).toEqual(['a', 'quiet']);
    expect(await exchange('a', NOW + WITHIN + 1, 3_000)).toEqual({ bytes: 20, inodes: 2 });
  });

  it('does not forget what a process says anew at the moment at which it is found to have been silent', async () => {
    await exchange('b', NOW, 100);
    const later = NOW + WITHIN + 1;
    const slow = new Redis(server.url);
    const read = slow.hgetall.bind(slow);
    slow.hgetall = async (name: unknown) => {
      const shares = await read(name as string);
      await exchange('b', later, 70);
      return shares;
    };
    await exchange('a', later, 1, createCatalog({ redis: slow, pool: freshPool() }));
    slow.disconnect();
    expect(await exchange('a', later, 1)).toEqual({ bytes: 70, inodes: 7 });
  });

  it.each([['{ half'], ['{"at":1}'], ['{"at":"noon","size":{"bytes":1,"inodes":1}}']])(
    'is named where what is reserved there cannot be read: %s',
    async (text) => {
      await redis.hset(key(), 'b', text);
      const answer = exchange('a', NOW, 1);
      await expect(answer).rejects.toMatchObject({ kind: 'check', code: 'CATALOG_CORRUPT' });
      await expect(answer).rejects.toThrow(`the catalog's ${key()} cannot be read: `);
    },
  );
});
