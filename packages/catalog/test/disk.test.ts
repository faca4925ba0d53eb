import type { Catalog } from '@spica/catalog';
import type { DiskPoint } from '@spica/core';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { openCatalog } from './open.ts';

const point = (at: number, change: Partial<DiskPoint> = {}): DiskPoint => ({
  at,
  availableBytes: 61e9 + at,
  instancesBytes: 1,
  trashBytes: 2,
  templatesBytes: 3,
  othersBytes: 4,
  growthBytes: 5,
  reservedBytes: 6,
  hostAvailableBytes: null,
  ...change,
});

describeOnRedis('what is remembered of a disk', (server) => {
  let redis: Redis;
  let pool: string;
  let catalog: Catalog;
  beforeEach(() => {
    ({ redis, pool, catalog } = openCatalog(server));
  });
  const saved = (from?: number) => catalog.diskHistory(from);

  it('is what was saved last, in order of time, as far back as it is asked for', async () => {
    expect(await saved()).toEqual([]);
    const points = [point(9), point(10, { hostAvailableBytes: 7 }), point(100)];
    await catalog.saveDiskHistory(points);
    expect(await saved()).toEqual(points);
    expect(await saved(10)).toEqual(points.slice(1));
    const thinned = [point(9), point(100), point(101)];
    await catalog.saveDiskHistory(thinned);
    expect(await saved()).toEqual(thinned);
    await catalog.saveDiskHistory([]);
    expect(await saved()).toEqual([]);
  });

  it('is written as a whole where Redis has lost it, or knows what was saved elsewhere', async () => {
    const points = [point(1), point(2), point(3)];
    await catalog.saveDiskHistory(points);
    await redis.del(`{spica:${pool}}:catalog:disk-history`);
    await catalog.saveDiskHistory([...points, point(4)]);
    expect(await saved()).toEqual([...points, point(4)]);
    await redis.zadd(`{spica:${pool}}:catalog:disk-history`, 2.5, '[2.5,0,0,0,0,0,0,0,null]');
    await catalog.saveDiskHistory([...points, point(5)]);
    expect(await saved()).toEqual([...points, point(5)]);
  });

  it('has what happened beside it, with how far the audit log was read', async () => {
    expect(await catalog.diskMarks()).toEqual({ seq: 0, marks: [] });
    const mark = {
      kind: 'level',
      since: 1,
      at: 2,
      count: 3,
      bytes: 0,
      worst: 'low',
      text: 't',
      seq: 9,
    } as const;
    await catalog.saveDiskMarks({ seq: 12, marks: [mark] });
    expect(await catalog.diskMarks()).toEqual({ seq: 12, marks: [mark] });
  });
});
