import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  canPlanLazily,
  planForRequest,
  planRetention,
  type RetentionInput,
} from '../../src/index.ts';
import { inputs, NOW } from './arbitrary.ts';

/** Inputs as canPlanLazily allows them, with the instances in the order that the catalog hands them out. */
const lazyInputs = inputs.map((input): RetentionInput => {
  const policy = { ...input.policy, order: 'oldest' as const, keepBest: 0, maxPerExperiment: null };
  const plain = { ...input, policy, instances: input.instances.map((each) => ({ ...each, ttlMs: null })) };
  return { ...plain, instances: planRetention(plain).items.map(({ candidate }) => candidate) };
});

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

  it('reads 9 of 100,000 to make room for 8', async () => {
    const instances = Array.from({ length: 100_000 }, (_, index) => ({
      id: `spica-${index.toString(16).padStart(12, '0')}`,
      experiment: null,
      spawnedAt: NOW - 200_000_000 + index,
      ttlMs: null,
      score: null,
      lastLeasedAt: null,
      bytes: 1e9,
      inodes: 20_000,
      protectedBy: null,
    }));
    const need = { bytes: 6e9, inodes: 0, slots: 8 };
    let read = 0;
    const plan = await planLazily(
      {
        instances,
        policy: {
          maxInstances: 100_000,
          maxAgeMs: 3 * 86_400_000,
          maxPerExperiment: null,
          keepBest: 0,
          minAgeMs: 600_000,
          order: 'oldest',
        },
        now: NOW,
        ageRulesSuspended: null,
        reservedSlots: 0,
        need,
        shortfall: need,
      },
      () => {
        read += 1;
      },
    );
    expect(plan.sufficient).toBe(true);
    expect(plan.deletes).toHaveLength(8);
    expect(read).toBe(9);
  });

  it('is for policies whose deletions follow one another, oldest first', () => {
    const policy = {
      maxInstances: 10,
      maxAgeMs: 1,
      maxPerExperiment: null,
      keepBest: 0,
      minAgeMs: 5,
      order: 'oldest',
    } as const;
    expect(canPlanLazily(policy, false)).toBe(true);
    expect(canPlanLazily(policy, true)).toBe(false);
    expect(canPlanLazily({ ...policy, keepBest: 1 }, false)).toBe(false);
    expect(canPlanLazily({ ...policy, maxPerExperiment: 5 }, false)).toBe(false);
    expect(canPlanLazily({ ...policy, order: 'largest' }, false)).toBe(false);
  });

  it('passes on what goes wrong while reading', async () => {
    // biome-ignore lint/correctness/useYield: it fails before it has anything to hand out.
    async function* broken(): AsyncIterable<Candidate> {
      throw new Error('Redis is gone');
    }
    const nothing = { bytes: 0, inodes: 0, slots: 0 };
    const policy = {
      maxInstances: 1,
      maxAgeMs: 1,
      maxPerExperiment: null,
      keepBest: 0,
      minAgeMs: 0,
      order: 'oldest',
    } as const;
    const input = {
      policy,
      now: NOW,
      ageRulesSuspended: null,
      reservedSlots: 0,
      need: nothing,
      shortfall: nothing,
    };
    await expect(planForRequest({ ...input, candidates: broken(), total: 5 })).rejects.toThrow(
      'Redis is gone',
    );
  });
});
