import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  canPlanLazily,
  planForRequest,
  planRetention,
  type RetentionInput,
  type RetentionPolicy,
} from '../../src/index.ts';
import { inputs, NOW } from './arbitrary.ts';

/** Inputs as canPlanLazily allows them, with the instances in the order that the catalog hands them out. */
const lazyInputs = inputs.map((input): RetentionInput => {
  const policy = { ...input.policy, order: 'oldest' as const, keepBest: 0, maxPerExperiment: null };
  const plain = {
    ...input,
    policy,
    instances: input.instances.map((each) => ({ ...each, ttlMs: null, discarded: false })),
  };
  return { ...plain, instances: planRetention(plain).items.map(({ candidate }) => candidate) };
});

const POLICY: RetentionPolicy = {
  maxInstances: 10,
  maxAgeMs: 86_400_000,
  maxPerExperiment: null,
  keepBest: 0,
  minAgeMs: 0,
  keepAfterLeaseMs: 0,
  order: 'oldest',
};
const TERMS = { now: NOW, leaseNow: NOW, ageRulesSuspended: null, reservedSlots: 0 };

function planLazily(input: RetentionInput, onRead: () => void = () => undefined) {
  async function* read(): AsyncIterable<Candidate> {
    for (const candidate of input.instances) {
      onRead();
      yield candidate;
    }
  }
  const { instances, ...demand } = input;
  return planForRequest({ ...demand, candidates: read(), total: instances.length });
}

describe('planning for a request without reading the whole pool', () => {
  it('deletes what the full plan deletes, for the same reasons, and comes to the same answer', async () => {
    await fc.assert(
      fc.asyncProperty(lazyInputs, async (input) => {
        const [lazy, full] = [await planLazily(input), planRetention(input)];
        expect(lazy.deletes).toEqual(full.deletes);
        expect(lazy.sufficient).toBe(full.sufficient);
        expect(lazy.frees).toEqual(full.frees);
        expect(lazy.kept).toBe(full.kept);
      }),
      { numRuns: 2_000 },
    );
  });

  it('says of each instance that it reads what the full plan says', async () => {
    await fc.assert(
      fc.asyncProperty(lazyInputs, async (input) => {
        const whole = { ...input, limit: Number.POSITIVE_INFINITY };
        const { items } = await planLazily(whole);
        expect(items).toEqual(planRetention(whole).items.slice(0, items.length));
      }),
      { numRuns: 1_000 },
    );
  });

  describe('reads of a pool of 100,000', () => {
    const instances = Array.from({ length: 100_000 }, (_, index) => ({
      id: `spica-${index.toString(16).padStart(12, '0')}`,
      experiment: null,
      spawnedAt: NOW - 200_000_000 + index,
      ttlMs: null,
      score: null,
      lastLeasedAt: null,
      usedUntil: null,
      discarded: false,
      growth: { bytes: 0, inodes: 0 },
      bytes: 1e9,
      inodes: 20_000,
      protectedBy: null,
    }));
    const need = { bytes: 6e9, inodes: 0, slots: 8 };
    const policy = { ...POLICY, maxInstances: 100_000, maxAgeMs: 3 * 86_400_000 };
    const input = { ...TERMS, instances, policy, need, shortfall: need };

    async function countReads(asked: RetentionInput) {
      let read = 0;
      const plan = await planLazily(asked, () => {
        read += 1;
      });
      return { read, deletes: plan.deletes.length, sufficient: plan.sufficient };
    }

    it('9, to make room for 8', async () => {
      expect(await countReads(input)).toEqual({ read: 9, deletes: 8, sufficient: true });
    });

    it('no more than one run deletes, though all are over their age', async () => {
      const strict = { ...input, policy: { ...policy, maxAgeMs: 1 } };
      expect(await countReads(strict)).toEqual({ read: 1_000, deletes: 1_000, sufficient: true });
    });
  });

  it('is for policies whose deletions follow one another, oldest first', () => {
    expect(canPlanLazily(POLICY, false)).toBe(true);
    expect(canPlanLazily(POLICY, true)).toBe(false);
    expect(canPlanLazily({ ...POLICY, keepBest: 1 }, false)).toBe(false);
    expect(canPlanLazily({ ...POLICY, maxPerExperiment: 5 }, false)).toBe(false);
    expect(canPlanLazily({ ...POLICY, order: 'largest' }, false)).toBe(false);
  });

  it('passes on what goes wrong while reading', async () => {
    // biome-ignore lint/correctness/useYield: it fails before it has anything to hand out.
    async function* broken(): AsyncIterable<Candidate> {
      throw new Error('Redis is gone');
    }
    const nothing = { bytes: 0, inodes: 0, slots: 0 };
    const input = { ...TERMS, policy: POLICY, need: nothing, shortfall: nothing };
    await expect(planForRequest({ ...input, candidates: broken(), total: 5 })).rejects.toThrow(
      'Redis is gone',
    );
  });
});
