import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestOf,
  type Candidate,
  planRetention,
  type RetentionInput,
  type RetentionPlan,
} from '../../src/index.ts';
import { inputs } from './arbitrary.ts';

const RUNS = { numRuns: 2_000 };

function holds(claim: (plan: RetentionPlan, input: RetentionInput) => void) {
  fc.assert(
    fc.property(inputs, (input) => claim(planRetention(input), input)),
    RUNS,
  );
}

/** Without the limit of one run, which leaves work to the next. */
function holdsOfWholeRuns(claim: (plan: RetentionPlan, input: RetentionInput) => void) {
  holds((_, input) => {
    const whole = { ...input, limit: Number.POSITIVE_INFINITY };
    claim(planRetention(whole), whole);
  });
}

const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);
const staying = (plan: RetentionPlan) => plan.items.filter(({ action }) => action === 'keep');
/** The room that deletions make: what is expected back of them, and what they were still to grow by. */
const room = (items: readonly Candidate[], { share = 1 }: RetentionInput, key: 'bytes' | 'inodes') =>
  items.reduce((total, each) => {
    const back = key === 'bytes' ? Math.floor((each.bytes ?? 0) * share) : (each.inodes ?? 0);
    return total + back + each.growth[key];
  }, 0);
/** When anybody last used it. */
const endOf = ({ spawnedAt, usedUntil }: Candidate) =>
  Math.max(spawnedAt ?? Number.NEGATIVE_INFINITY, usedUntil ?? Number.NEGATIVE_INFINITY);
/** What stays whatever limit it exceeds. */
const MUST_STAY: ReadonlySet<string> = new Set(['lease', 'after-lease', 'keep-best', 'min-age']);
/** What no request asked for. */
const isForRequest = ({ rule, reason }: { rule: string; reason: string }) =>
  rule === 'space' || reason.includes('to make room for');

describe('a retention plan', () => {
  it('decides about every instance, once, with a rule and a reason', () => {
    holds((plan, { instances }) => {
      expect(ids(plan.items).sort()).toEqual(ids(instances).sort());
      for (const { rule, reason } of plan.items) expect([rule, reason]).not.toContain('');
      expect(plan.deletes).toEqual(plan.items.filter(({ action }) => action === 'delete'));
      expect(plan.kept).toBe(staying(plan).length);
    });
  });

  it('is the same for the same instances in any order', () => {
    fc.assert(
      fc.property(
        inputs.chain((input) =>
          fc.tuple(
            fc.constant(input),
            fc.shuffledSubarray([...input.instances], { minLength: input.instances.length }),
          ),
        ),
        ([input, shuffled]) => {
          expect(planRetention({ ...input, instances: shuffled })).toEqual(planRetention(input));
        },
      ),
      RUNS,
    );
  });

  it('never deletes what is protected, among the best, or younger than min_age', () => {
    holds((plan, { instances, policy, now }) => {
      const best = bestOf(instances, policy.keepBest);
      for (const { id, candidate } of plan.deletes) {
        expect(candidate.protectedBy).toBeNull();
        expect(best.has(id)).toBe(false);
        const ageMs = now - (candidate.spawnedAt ?? Number.NEGATIVE_INFINITY);
        expect(ageMs).toBeGreaterThanOrEqual(policy.minAgeMs || ageMs);
      }
    });
  });

  it('never deletes what was leased a short while ago, whichever rule would, but for what its owner discarded', () => {
    holds((plan, { policy, leaseNow }) => {
      for (const { candidate } of plan.deletes) {
        const { usedUntil, discarded, ttlMs } = candidate;
        if (usedUntil === null || discarded || policy.keepAfterLeaseMs === 0) continue;
        const keptMs = Math.min(policy.keepAfterLeaseMs, ttlMs ?? Number.POSITIVE_INFINITY);
        expect(leaseNow - usedUntil).toBeGreaterThanOrEqual(keptMs);
      }
    });
  });

  it('counts an age from the end of use: nothing goes for its age before it was of no use for so long', () => {
    holds((plan, { policy, now }) => {
      for (const { rule, candidate } of plan.deletes) {
        if (rule === 'age') expect(now - endOf(candidate)).toBeGreaterThan(policy.maxAgeMs);
        if (rule === 'ttl') expect(now - endOf(candidate)).toBeGreaterThan(candidate.ttlMs ?? 0);
      }
    });
  });

  it('takes what its owner discarded before all others that may go', () => {
    holdsOfWholeRuns((plan) => {
      const spared = plan.items.filter((item) => item.candidate.discarded && item.rule === 'within-limits');
      if (spared.length === 0) return;
      for (const item of plan.deletes.filter(({ rule }) => rule === 'count')) {
        if (!isForRequest(item)) expect(item.candidate.discarded).toBe(true);
      }
    });
  });

  it('keeps no more than max_instances, unless what must stay leaves no choice', () => {
    holdsOfWholeRuns((plan, { policy, reservedSlots }) => {
      const excess = plan.kept + reservedSlots - policy.maxInstances;
      if (excess > 0) for (const { rule } of staying(plan)) expect(MUST_STAY).toContain(rule);
    });
  });

  it('keeps no more of an experiment than its limit, unless what must stay leaves no choice', () => {
    holdsOfWholeRuns((plan, { policy }) => {
      const most = policy.maxPerExperiment ?? Number.POSITIVE_INFINITY;
      for (const [name, items] of Map.groupBy(staying(plan), (item) => item.candidate.experiment)) {
        if (name === null || items.length <= most) continue;
        for (const { rule } of items) expect(MUST_STAY).toContain(rule);
      }
    });
  });

  it('deletes whatever is over its age or ttl, unless it must stay or the clock is not trusted', () => {
    holdsOfWholeRuns((plan, { policy, now, ageRulesSuspended }) => {
      if (ageRulesSuspended !== null) return;
      for (const { rule, candidate } of staying(plan)) {
        const lifeMs = Math.min(candidate.ttlMs ?? policy.maxAgeMs, policy.maxAgeMs);
        const ageMs = now - endOf(candidate);
        if (ageMs > lifeMs) expect(MUST_STAY).toContain(rule);
      }
    });
  });

  it('deletes nothing for its age while the clock is not trusted, and says so', () => {
    holds((plan, { ageRulesSuspended }) => {
      if (ageRulesSuspended === null) return;
      expect(plan.sentence).toContain(`age and ttl rules are suspended: ${ageRulesSuspended}`);
      for (const { rule } of plan.deletes) expect(['count', 'per-experiment', 'space']).toContain(rule);
    });
  });

  it('by count deletes in the policy’s order: who stays by the limits comes after all who go', () => {
    holdsOfWholeRuns((plan) => {
      const last = plan.items.findLastIndex((item) => item.rule === 'count' && !isForRequest(item));
      const early = plan.items.slice(0, Math.max(0, last)).filter(({ action }) => action === 'keep');
      for (const { rule } of early) expect(MUST_STAY).toContain(rule);
    });
  });

  it('deletes nothing more for count than the excess', () => {
    holdsOfWholeRuns((plan, { policy, reservedSlots }) => {
      if (!plan.deletes.some((item) => item.rule === 'count' && !isForRequest(item))) return;
      const forLimits = plan.deletes.filter((item) => !isForRequest(item)).length;
      expect(plan.items.length - forLimits + reservedSlots).toBeGreaterThanOrEqual(policy.maxInstances);
    });
  });

  it('makes room for a request only if the request then fits', () => {
    holds((plan, input) => {
      const { policy, reservedSlots, need, shortfall } = input;
      if (!plan.sufficient) {
        expect(plan.deletes.filter(isForRequest)).toEqual([]);
        return;
      }
      if (need.slots > 0) {
        expect(plan.kept + reservedSlots + need.slots).toBeLessThanOrEqual(policy.maxInstances);
      }
      const gone = plan.deletes.map(({ candidate }) => candidate);
      expect(room(gone, input, 'bytes')).toBeGreaterThanOrEqual(shortfall.bytes);
      expect(room(gone, input, 'inodes')).toBeGreaterThanOrEqual(shortfall.inodes);
    });
  });

  it('deletes nothing for a request that the request could do without', () => {
    holds((plan, input) => {
      const { policy, reservedSlots, need, shortfall } = input;
      for (const { candidate } of plan.deletes.filter(isForRequest)) {
        const without = plan.deletes
          .filter((item) => item.candidate !== candidate)
          .map((item) => item.candidate);
        const fits =
          plan.items.length - without.length + reservedSlots + need.slots <= policy.maxInstances &&
          room(without, input, 'bytes') >= shortfall.bytes &&
          room(without, input, 'inodes') >= shortfall.inodes;
        expect(fits).toBe(false);
      }
    });
  });

  it('finds room for a request wherever deleting all that may go would make it', () => {
    holdsOfWholeRuns((plan, input) => {
      const { policy, reservedSlots, need, shortfall } = input;
      const free = plan.items.filter(({ rule }) => !MUST_STAY.has(rule)).map(({ candidate }) => candidate);
      const held = plan.items.length - free.length;
      const possible =
        (need.slots === 0 || held + reservedSlots + need.slots <= policy.maxInstances) &&
        room(free, input, 'bytes') >= shortfall.bytes &&
        room(free, input, 'inodes') >= shortfall.inodes;
      expect(plan.sufficient).toBe(possible);
    });
  });

  it('names who blocks exactly when those who must stay are too many', () => {
    holds((plan, { policy, reservedSlots, need }) => {
      const held = ids(plan.items.filter(({ rule }) => MUST_STAY.has(rule)));
      const tooMany = held.length + reservedSlots + need.slots > policy.maxInstances;
      expect(ids(plan.blockedBy)).toEqual(tooMany ? held : []);
    });
  });

  it('never deletes more than one run may, and leaves the rest to the next', () => {
    holds((plan, { limit = 1_000 }) => {
      expect(plan.deletes.length).toBeLessThanOrEqual(limit);
      if (plan.items.some(({ rule }) => rule === 'run-limit')) expect(plan.deletes.length).toBe(limit);
    });
  });

  it('leaves nothing to do for a second one', () => {
    holdsOfWholeRuns((plan, input) => {
      const rest = staying(plan).map(({ candidate }) => candidate);
      const gone = plan.deletes.map(({ candidate }) => candidate);
      const left = (key: 'bytes' | 'inodes') => Math.max(0, input.shortfall[key] - room(gone, input, key));
      const shortfall = { bytes: left('bytes'), inodes: left('inodes'), slots: input.shortfall.slots };
      expect(planRetention({ ...input, instances: rest, shortfall }).deletes).toEqual([]);
    });
  });
});

describe('a plan for ten times as many instances', () => {
  /** What a plan for so many takes, in ms: the thread's own time, and the least of some, so that what else runs is not in it. */
  function planTime(count: number): number {
    const now = 1_800_000_000_000;
    const instances = Array.from({ length: count }, (_, index) => ({
      id: `spica-${index.toString(16).padStart(12, '0')}`,
      experiment: `e${index % 50}`,
      spawnedAt: now - (count - index) * (250_000_000 / count),
      ttlMs: null,
      score: ((index * 7919) % 1_000) / 1_000,
      lastLeasedAt: null,
      usedUntil: null,
      discarded: false,
      growth: { bytes: 0, inodes: 0 },
      bytes: index * 1_000,
      inodes: 20_000,
      protectedBy: index % 20 === 0 ? { rule: 'pin', reason: 'pinned by ada' } : null,
    }));
    const need = { bytes: 5e9, inodes: 0, slots: 8 };
    const input: RetentionInput = {
      instances,
      policy: {
        maxInstances: count,
        maxAgeMs: 3 * 86_400_000,
        maxPerExperiment: count * 0.019,
        keepBest: 3,
        minAgeMs: 600_000,
        keepAfterLeaseMs: 0,
        order: 'oldest',
      },
      now,
      leaseNow: now,
      ageRulesSuspended: null,
      reservedSlots: 0,
      need,
      shortfall: need,
    };
    const times = Array.from({ length: 7 }, () => {
      const before = process.threadCpuUsage();
      expect(planRetention(input).deletes.length).toBeGreaterThan(0);
      const { user, system } = process.threadCpuUsage(before);
      return (user + system) / 1_000;
    });
    return Math.min(...times);
  }

  it('takes no more than what sorting them takes: far from a hundred times as long', () => {
    expect(planTime(100_000)).toBeLessThan(50 * planTime(10_000));
  });
});
