import {
  type Candidate,
  CHOSEN,
  digestOf,
  planChosen,
  recheck,
  resolveConfig,
  retentionPolicyOf,
  sealPlan,
} from '@spica/core';
import { expect, it } from 'vitest';

const { config } = resolveConfig({ file: null, env: {}, flags: {}, cwd: '/', home: '/' });
const [pool] = Object.values(config.pools);
if (!pool) throw new TypeError('a config without a pool');
const NOW = 1_700_000_000_000;
const policy = { ...retentionPolicyOf(pool.retention), minAgeMs: 1e9, keepBest: 5, keepAfterLeaseMs: 1e9 };
const terms = {
  policy,
  now: NOW,
  leaseNow: NOW,
  ageRulesSuspended: 'the clock jumped',
  best: new Map([['a', 1]]),
};

function candidate(id: string, fields: Partial<Candidate> = {}): Candidate {
  const unused = { lastLeasedAt: null, usedUntil: NOW - 1, discarded: false, ttlMs: null, experiment: null };
  const growth = { bytes: 0, inodes: 0 };
  return {
    id,
    spawnedAt: NOW - 5,
    score: 1,
    bytes: 10,
    inodes: 1,
    growth,
    protectedBy: null,
    ...unused,
    ...fields,
  };
}

const leased = { rule: 'leased', reason: 'leased by ada' };

it('what was chosen goes, whatever the policy says of it, but for what is protected', () => {
  const plan = planChosen([candidate('a'), candidate('b', { protectedBy: leased })], 7);
  expect(plan.items).toMatchObject([
    { id: 'a', action: 'delete', rule: CHOSEN },
    { id: 'b', action: 'keep', ...leased },
  ]);
  expect(plan).toMatchObject({ kept: 6, frees: { bytes: 10, inodes: 1, slots: 1 } });
  expect(plan.sentence).toBe(
    'deletes 1 of 2 instances chosen, which frees 10 B; 1 must stay: b (leased by ada)',
  );
});

it('a sealed choice is carried out as long as nothing protects it and it is as it was', () => {
  const sealed = sealPlan('main', policy, planChosen([candidate('a')], 1));
  expect(digestOf(sealed)).toMatch(/^[0-9a-f]{16}$/);
  const [item] = sealed.items;
  if (!item) throw new TypeError('nothing was sealed');
  expect(recheck(item, candidate('a'), terms)).toEqual({ ok: true });
  for (const [now, reason] of [
    [candidate('a', { protectedBy: leased }), 'it must stay now (leased): leased by ada'],
    [candidate('a', { lastLeasedAt: NOW }), 'it was leased since the plan was made'],
    [candidate('a', { score: 2 }), 'its score changed'],
    [null, 'it is gone'],
  ] as const) {
    expect(recheck(item, now, terms)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  }
  // By a rule of the policy's own it would have to stay.
  expect(recheck({ ...item, rule: 'count' }, candidate('a'), terms)).toMatchObject({ ok: false });
});
