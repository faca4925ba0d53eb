import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { departuresOf, planRetention } from '../../src/index.ts';
import { inputs } from './arbitrary.ts';

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };
/** As `spica ls` asks: of no request, and with no end of a run. */
const asked = inputs.map((input) => ({
  ...input,
  need: NOTHING,
  shortfall: NOTHING,
  limit: Number.POSITIVE_INFINITY,
}));

it('who is to go now is whom a prune would delete now', () => {
  fc.assert(
    fc.property(asked, (input) => {
      const departures = departuresOf(input);
      for (const { id, action, rule } of planRetention(input).items) {
        const goes = departures.get(id);
        if (action === 'delete') expect(goes).toMatchObject({ at: input.now, rule });
        else expect(goes?.at === null || (goes?.at ?? 0) >= input.now).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

it('whoever is to go later by its age goes then, and not before, if nothing else happens', () => {
  fc.assert(
    fc.property(asked, (drawn) => {
      // By age alone: no other rule takes any of them before.
      const policy = { ...drawn.policy, maxInstances: 1_000, maxPerExperiment: null, keepBest: 0 };
      const input = { ...drawn, policy, ageRulesSuspended: null };
      const deletedAt = (id: string, now: number) =>
        planRetention({ ...input, now, leaseNow: now }).deletes.some((item) => item.id === id);
      for (const [id, { at, rule }] of departuresOf(input)) {
        if (at === null || at <= input.now) continue;
        expect(['age', 'ttl']).toContain(rule);
        expect(deletedAt(id, at - 1)).toBe(false);
        expect(deletedAt(id, at + 1)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
