import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestOf,
  type Candidate,
  digestOf,
  planRetention,
  type RetentionInput,
  recheck,
  sealedPlanSchema,
  sealPlan,
} from '../../src/index.ts';
import { inputs, NOW } from './arbitrary.ts';

const HOUR = 3_600_000;

const seal = (input: RetentionInput, pool = 'main') => sealPlan(pool, input.policy, planRetention(input));

const old: Candidate = {
  id: 'spica-0001',
  experiment: 'lr',
  spawnedAt: NOW - 100 * HOUR,
  ttlMs: null,
  score: 0.5,
  lastLeasedAt: null,
  usedUntil: null,
  discarded: false,
  growth: { bytes: 0, inodes: 0 },
  bytes: 1e9,
  inodes: 100,
  protectedBy: null,
};

const input: RetentionInput = {
  instances: [old],
  policy: {
    maxInstances: 10,
    maxAgeMs: 72 * HOUR,
    maxPerExperiment: null,
    keepBest: 0,
    minAgeMs: 0,
    keepAfterLeaseMs: 0,
    order: 'oldest',
  },
  now: NOW,
  leaseNow: NOW,
  ageRulesSuspended: null,
  reservedSlots: 0,
  need: { bytes: 0, inodes: 0, slots: 0 },
  shortfall: { bytes: 0, inodes: 0, slots: 0 },
};

describe('the digest of a plan', () => {
  it('is 16 hex digits, the same in every release', () => {
    expect(digestOf(seal(input))).toMatchInlineSnapshot(`"1a5dbafea87135bf"`);
  });

  it('names the same plan when it is made again a moment later, with other sizes, or read back from JSON', () => {
    const digest = digestOf(seal(input));
    expect(digestOf(seal({ ...input, now: NOW + 60_000 }))).toBe(digest);
    expect(digestOf(seal({ ...input, instances: [{ ...old, bytes: 2e9, inodes: 7 }] }))).toBe(digest);
    expect(digestOf(sealedPlanSchema.parse(JSON.parse(JSON.stringify(seal(input)))))).toBe(digest);
  });

  it('does not depend on the order in which keys were written', () => {
    const { items, policy, pool, schema } = seal(input);
    const reversed = {
      items: items.map((item) => Object.fromEntries(Object.entries(item).reverse())),
      policy,
      pool,
    };
    expect(digestOf(sealedPlanSchema.parse({ ...reversed, schema }))).toBe(digestOf(seal(input)));
    expect(digestOf({ items, policy, pool, schema })).toBe(digestOf({ schema, pool, policy, items }));
  });

  it('is another one for another pool, policy, rule or state of an instance', () => {
    const changes: Partial<Candidate>[] = [
      { id: 'spica-0002' },
      { spawnedAt: null },
      { spawnedAt: NOW - 101 * HOUR },
      { experiment: null },
      { ttlMs: HOUR },
      { score: 0.6 },
      { lastLeasedAt: NOW - HOUR },
      { protectedBy: { rule: 'pin', reason: 'pinned by ada' } },
    ];
    const digests = [
      digestOf(seal(input)),
      digestOf(seal(input, 'other')),
      digestOf(seal({ ...input, policy: { ...input.policy, maxInstances: 9 } })),
      ...changes.map((change) => digestOf(seal({ ...input, instances: [{ ...old, ...change }] }))),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('before a sealed deletion is carried out', () => {
  const [sealed] = seal(input).items;
  if (!sealed) throw new TypeError('the plan deletes nothing');
  const terms = {
    policy: input.policy,
    now: NOW,
    leaseNow: NOW,
    ageRulesSuspended: null,
    best: new Map<string, number>(),
  };
  const check = (
    change: Partial<Candidate>,
    other: Partial<typeof terms> | { ageRulesSuspended: string } = {},
  ) => recheck(sealed, { ...old, ...change }, { ...terms, ...other });
  const skipped = (reason: string) => ({ ok: false, reason });

  it('an instance that is as it was goes, whatever its size is now', () => {
    expect(check({})).toEqual({ ok: true });
    expect(check({ bytes: 5e9, inodes: null })).toEqual({ ok: true });
  });

  it('every deletion of any plan passes, so long as nothing changed', () => {
    fc.assert(
      fc.property(inputs, (any) => {
        const best = bestOf(any.instances, any.policy.keepBest);
        const byId = new Map(any.instances.map((each) => [each.id, each]));
        for (const item of seal(any).items) {
          expect(recheck(item, byId.get(item.id) ?? null, { ...any, best })).toEqual({ ok: true });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('one that is gone is skipped', () => {
    expect(recheck(sealed, null, terms)).toEqual(skipped('it is gone'));
  });

  it('one that is protected, too young or among the best now is skipped', () => {
    expect(check({ protectedBy: { rule: 'lease', reason: 'leased by ci' } })).toEqual(
      skipped('it must stay now (lease): leased by ci'),
    );
    expect(check({}, { policy: { ...input.policy, minAgeMs: 200 * HOUR } })).toEqual(
      skipped('it must stay now (min-age): 4d4h old, min_age is 8d8h'),
    );
    expect(check({ score: 0.9 }, { best: new Map([[old.id, 1]]) })).toEqual(
      skipped('it must stay now (keep-best): its score 0.9 is number 1 of experiment lr'),
    );
  });

  it('one that was used or changed since is skipped', () => {
    expect(check({ lastLeasedAt: NOW - 1 })).toEqual(skipped('it was leased since the plan was made'));
    expect(check({ score: 0.6 })).toEqual(
      skipped('its score changed since the plan was made, from 0.5 to 0.6'),
    );
    expect(check({ experiment: null })).toEqual(
      skipped('its experiment changed since the plan was made, from lr to none'),
    );
    expect(check({ ttlMs: HOUR })).toEqual(
      skipped('its ttl changed since the plan was made, from none to 1h'),
    );
    expect(check({ spawnedAt: null })).toEqual(
      skipped('its spawned_at changed since the plan was made, from 2027-01-11T04:00:00.000Z to unreadable'),
    );
  });

  it('one that was to go for its age is skipped when the clock is not trusted now, or was set back', () => {
    expect(check({}, { ageRulesSuspended: 'the clock jumped' })).toEqual(
      skipped('age and ttl rules are suspended: the clock jumped'),
    );
    expect(check({}, { now: NOW - 50 * HOUR })).toEqual(skipped('it is not old enough now'));
  });

  it('one that was to go by count goes although the clock is not trusted', () => {
    const verdict = recheck({ ...sealed, rule: 'count' }, old, {
      ...terms,
      ageRulesSuspended: 'the clock jumped',
    });
    expect(verdict).toEqual({ ok: true });
  });
});
