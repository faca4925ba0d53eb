import type { Catalog } from '@spica/catalog';
import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord, aSample, openFreshCatalog } from './open.ts';

describeOnRedis('sizes', (server) => {
  let redis: Redis;
  let catalog: Catalog;
  beforeEach(() => {
    redis = new Redis(server.url);
    catalog = openFreshCatalog(redis);
    return () => redis.disconnect();
  });

  const record = (of: string, sizes: readonly number[]) =>
    Promise.all(
      sizes.map((bytes, i) => catalog.recordSize(of, { id: `spica-${1000 + i}`, at: i, bytes, inodes: i })),
    );

  it('are summed up by nearest rank, as a straightforward computation does', async () => {
    const size = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    let template = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 60 }), async (sizes) => {
        template += 1;
        await record(`template:${template}`, sizes);
        expect(await catalog.sizesOf(`template:${template}`)).toEqual({
          n: sizes.length,
          bytes: spreadOf(sizes),
          inodes: spreadOf(sizes.map((_, i) => i)),
        });
      }),
      { numRuns: 60 },
    );
  });

  it('are null for what was never measured', async () => {
    expect(await catalog.sizesOf('template:none')).toBeNull();
  });

  it('count an instance once, at its newest size', async () => {
    for (const [at, bytes] of [
      [1, 10],
      [2, 30],
      [3, 20],
    ] as const) {
      await catalog.recordSize('template:t', { id: 'spica-0001', at, bytes, inodes: 1 });
    }
    expect(await catalog.sizesOf('template:t')).toMatchObject({ n: 1, bytes: { p50: 20, max: 20 } });
  });

  it('are of the newest thousand: what a template was like long ago is forgotten', async () => {
    await record(
      'template:t',
      Array.from({ length: 1_200 }, (_, i) => (i < 200 ? 1e9 : i)),
    );
    expect(await catalog.sizesOf('template:t')).toMatchObject({
      n: 1_000,
      bytes: { p50: 699, p95: 1_149, max: 1_199 },
    });
  });

  it('of one template say nothing about another, nor about an experiment of its name', async () => {
    await record('template:a', [1]);
    await record('experiment:a', [2]);
    expect(await catalog.sizesOf('template:b')).toBeNull();
    expect((await catalog.sizesOf('template:a'))?.bytes.max).toBe(1);
    expect((await catalog.sizesOf('experiment:a'))?.bytes.max).toBe(2);
  });

  it('are kept with their instance as its newest sample, and not without one', async () => {
    const sample = aSample(5);
    const growth = { bytes: 7, inodes: 1, endsAt: 10 };
    expect(await catalog.recordSample('spica-0001', sample, growth)).toBe(false);
    expect((await catalog.ledger(5)).growth).toEqual({ bytes: 0, inodes: 0 });
    await catalog.adopt(aRecord('spica-0001'));
    expect(await catalog.recordSample('spica-0001', sample, growth)).toBe(true);
    expect((await catalog.get('spica-0001'))?.record.sample).toEqual(sample);
    expect((await catalog.ledger(5)).growth).toEqual({ bytes: 7, inodes: 1 });
    expect((await catalog.ledger(10)).growth).toEqual({ bytes: 0, inodes: 0 });
  });
});

function spreadOf(numbers: readonly number[]) {
  const ordered = numbers.toSorted((a, b) => a - b);
  const at = (share: number) => ordered[Math.ceil(share * ordered.length) - 1];
  return { p50: at(0.5), p95: at(0.95), max: ordered.at(-1) };
}
