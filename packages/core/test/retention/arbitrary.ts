import * as fc from 'fast-check';
import type { Candidate, RetentionInput, RetentionPolicy } from '../../src/index.ts';

export const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

const hours = (most: number) => fc.integer({ min: -2, max: most }).map((n) => n * HOUR);

const fields = {
  experiment: fc.constantFrom(null, 'lr', 'depth'),
  spawnedAt: fc.option(
    hours(120).map((ago) => NOW - ago),
    { freq: 8 },
  ),
  ttlMs: fc.option(
    fc.integer({ min: 1, max: 100 }).map((n) => n * HOUR),
    { freq: 1 },
  ),
  score: fc.option(fc.integer({ min: 0, max: 5 }).map((n) => n / 5)),
  lastLeasedAt: fc.option(hours(120).map((ago) => NOW - ago)),
  usedUntil: fc.option(hours(120).map((ago) => NOW - ago)),
  discarded: fc.oneof(
    { weight: 5, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  growth: fc.oneof(
    fc.constant({ bytes: 0, inodes: 0 }),
    fc.record({ bytes: fc.integer({ min: 0, max: 20 }), inodes: fc.integer({ min: 0, max: 20 }) }),
  ),
  bytes: fc.option(fc.integer({ min: 0, max: 20 }), { freq: 5 }),
  inodes: fc.option(fc.integer({ min: 0, max: 20 }), { freq: 5 }),
  protectedBy: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constant({ rule: 'lease', reason: 'leased by ci' }) },
  ),
} satisfies { readonly [K in Exclude<keyof Candidate, 'id'>]: fc.Arbitrary<Candidate[K]> };

const instances = fc
  .array(fc.record(fields), { maxLength: 24 })
  .map((list) => list.map((each, index) => ({ ...each, id: `spica-${(index * 7919) % 1_000}` })));

const policies: fc.Arbitrary<RetentionPolicy> = fc.record({
  maxInstances: fc.integer({ min: 0, max: 24 }),
  maxAgeMs: fc.integer({ min: 1, max: 120 }).map((n) => n * HOUR),
  maxPerExperiment: fc.option(fc.integer({ min: 1, max: 6 })),
  keepBest: fc.integer({ min: 0, max: 3 }),
  minAgeMs: fc.oneof(fc.constant(0), hours(20).map(Math.abs)),
  keepAfterLeaseMs: fc.oneof(fc.constant(0), hours(40).map(Math.abs)),
  order: fc.constantFrom('oldest', 'largest', 'least_recently_leased'),
});

const upTo = (max: number) => fc.oneof(fc.constant(0), fc.integer({ min: 0, max }));

/** Anything that retention may be asked: small figures, so that ties and narrow misses are common. */
export const inputs: fc.Arbitrary<RetentionInput> = fc
  .record({
    instances,
    policy: policies,
    ageRulesSuspended: fc.option(fc.constant('the clock jumped'), { freq: 1 }),
    reservedSlots: upTo(4),
    slots: upTo(6),
    bytes: upTo(80),
    inodes: upTo(80),
    share: fc.constantFrom(1, 1, 0.5, 0),
    limit: fc.oneof(fc.constant(1_000), fc.integer({ min: 1, max: 10 })),
  })
  .map(({ slots, bytes, inodes, ...rest }) => ({
    ...rest,
    now: NOW,
    leaseNow: NOW,
    need: { bytes, inodes, slots },
    shortfall: { bytes, inodes, slots },
  }));
