import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isWorkGivenUp, UNSAVED, type UnsavedWork, unsavedVerdict } from '../../src/index.ts';

const count = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1e6 }));
const works: fc.Arbitrary<UnsavedWork> = fc.record({
  commits: count,
  stashes: count,
  files: count,
  unknown: fc.option(fc.constant('index file corrupt')),
  isBaselineKnown: fc.boolean(),
});

it('an instance may go where nothing is lost and all of that is known, and else it says each thing that would be', () => {
  fc.assert(
    fc.property(works, (work) => {
      const { commits, stashes, files, unknown } = work;
      const verdict = unsavedVerdict(work);
      expect(verdict === null).toBe(commits + stashes + files === 0 && unknown === null);
      if (verdict === null) return;
      expect(verdict.rule).toBe(UNSAVED);
      expect(verdict.reason).not.toMatch(/(^|[^0-9])0 |^[;,]|[;,] *$/);
      for (const figure of [commits, stashes, files]) {
        if (figure > 0) expect(verdict.reason).toContain(`${figure} `);
      }
      if (unknown !== null) expect(verdict.reason).toContain(unknown);
    }),
  );
});

it.each<[Partial<UnsavedWork>, string]>([
  [{ commits: 3, files: 12 }, '3 commits not pushed, 12 files changed since the spawn'],
  [{ stashes: 2 }, '2 stashes'],
  [{ files: 1, isBaselineKnown: false }, '1 file changed; what it was cloned with is not known any more'],
  [{ unknown: 'it takes longer than 30s' }, 'git cannot tell what would be lost: it takes longer than 30s'],
])('%o is said as %s', (work, reason) => {
  const saved = { commits: 0, stashes: 0, files: 0, unknown: null, isBaselineKnown: true };
  expect(unsavedVerdict({ ...saved, ...work })).toEqual({ rule: 'unsaved-work', reason });
});

it('what its owner has discarded, or has collected something of, is not looked at', () => {
  const collected = { at: 0, to: '/results', files: 1, bytes: 1, skipped: 0, state: '' };
  const isGivenUp = (record: Partial<Parameters<typeof isWorkGivenUp>[0]>) =>
    isWorkGivenUp({ discarded: false, collect: ['*.patch'], collected: null, ...record });
  expect(isGivenUp({ discarded: true, collect: [] })).toBe(true);
  expect(isGivenUp({ collected })).toBe(true);
  expect(isGivenUp({ collected: { ...collected, files: 0 } })).toBe(false);
  expect(isGivenUp({})).toBe(false);
  expect(isGivenUp({ collect: [], collected })).toBe(false);
});
