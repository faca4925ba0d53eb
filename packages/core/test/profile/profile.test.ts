import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeProfile,
  type Finished,
  MOST_FINISHED,
  nearestRank,
  profileOf,
  splitReplicas,
} from '../../src/index.ts';

const HOUR = 3_600_000;

function finished(bytes: number, change: Partial<Finished> = {}): Finished {
  return {
    at: 1_700_000_000_000,
    final: { bytes, inodes: 3_000 },
    clone: { bytes: 0.5e9, inodes: 2_000 },
    grewForMs: 2 * HOUR,
    predicted: { bytes: 2e9, inodes: 4_000 },
    ...change,
  };
}

describe('percentiles', () => {
  it('are by nearest rank: each is a value that was measured', () => {
    expect([1, 19, 20, 21, 100].map((n) => nearestRank(n, 0.95))).toEqual([0, 18, 18, 19, 94]);
    expect(nearestRank(4, 0.5)).toBe(1);
    expect(nearestRank(7, 1)).toBe(6);
  });

  const lists = (least: number) =>
    fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: least, maxLength: 60 });
  const p95Of = (sizes: readonly number[]) =>
    profileOf(sizes.map((size) => finished(size)))?.bytes.p95 ?? Number.NaN;

  it('have at least their share of the values at or below them, and no smaller value has', () => {
    fc.assert(
      fc.property(lists(20), (sizes) => {
        const below = (limit: number) => sizes.filter((size) => size <= limit).length / sizes.length;
        const p95 = p95Of(sizes);
        expect(sizes).toContain(p95);
        expect(below(p95)).toBeGreaterThanOrEqual(0.95);
        for (const size of sizes) if (size < p95) expect(below(size)).toBeLessThan(0.95);
      }),
    );
  });

  it('of few values are not decided by one alone: one runaway counts as at most twice the next one', () => {
    expect(p95Of([10, 10, 10, 310])).toBe(20);
    expect(p95Of([10, 10, 310, 310])).toBe(310);
    expect(p95Of([10, 15])).toBe(15);
    expect(p95Of([310])).toBe(310);
    fc.assert(
      fc.property(lists(2), fc.integer({ min: 1_001, max: 1e9 }), (sizes, runaway) => {
        fc.pre(sizes.length < 19);
        const largest = Math.max(...sizes);
        expect(p95Of([...sizes, runaway])).toBeLessThanOrEqual(2 * largest);
        expect(p95Of([...sizes, runaway])).toBeGreaterThanOrEqual(largest);
      }),
    );
  });
});

describe('a profile', () => {
  it('is none without finished instances', () => {
    expect(profileOf([])).toBeNull();
  });

  it('says how large, how fast, and how well the predictions held', () => {
    const profile = profileOf([finished(1.5e9), finished(2.5e9), finished(1e9, { predicted: null })]);
    expect(profile).toEqual({
      n: 3,
      bytes: { p50: 1.5e9, p95: 2.5e9, max: 2.5e9 },
      inodes: { p50: 3_000, p95: 3_000, max: 3_000 },
      bytesPerHour: { p50: 0.5e9, p95: 1e9, max: 1e9 },
      predictions: {
        n: 2,
        ratio: { p50: 0.75, p95: 1.25, max: 1.25 },
        predictedBytes: expect.any(Number),
        actualBytes: expect.any(Number),
        exceeded: 1,
      },
    });
    expect(profile && describeProfile(profile)).toBe(
      '3 finished: 1.5 GB (p50), 2.5 GB (p95), 2.5 GB (most); 3000, 3000, 3000 inodes; grows by 500.0 MB an hour (p50); ' +
        'of the last 2 predictions 1 were exceeded: actual ÷ predicted is 0.75 (p50), 1.25 (most)',
    );
  });

  it('judges the last 20 predictions only: older ones were made with other profiles', () => {
    const old = Array.from({ length: 50 }, (_, i) => finished(8e9, { at: i }));
    const recent = Array.from({ length: 20 }, (_, i) => finished(1e9, { at: 100 + i }));
    expect(profileOf([...recent, ...old])?.predictions).toMatchObject({ n: 20, exceeded: 0 });
  });

  it('forgets the oldest: it follows a template that changes', () => {
    const old = Array.from({ length: 200 }, (_, i) => finished(9e9, { at: i }));
    const recent = Array.from({ length: MOST_FINISHED }, (_, i) => finished(1e9, { at: 1_000 + i }));
    expect(profileOf([...old, ...recent])).toMatchObject({ n: MOST_FINISHED, bytes: { max: 1e9 } });
  });
});

describe('replicas', () => {
  it('are put down all that their instance grew by, and nothing counts twice', () => {
    const clone = { bytes: 500, inodes: 10 };
    const final = { bytes: 1_140, inodes: 74 };
    expect(splitReplicas({ clone, final, replicas: 64 })).toEqual({
      own: clone,
      each: { bytes: 10, inodes: 1 },
    });
    expect(splitReplicas({ clone, final, replicas: 0 })).toEqual({ own: final, each: null });
  });
});
