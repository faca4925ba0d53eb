import { describe, expect, it } from 'vitest';
import { goldenNames, planGolden, readGolden, writeGolden } from './golden.ts';

/**
 * Each file under testdata holds one input and the plan for it. After a wanted change of behaviour
 * `UPDATE_GOLDEN=1 vitest run packages/core/test/retention` writes all plans anew, those in docs/retention.md as well;
 * the diff is then what to review.
 */
const update = process.env['UPDATE_GOLDEN'] === '1';

describe('a plan says what goes and what stays, and why', () => {
  it.each(goldenNames())('%s', (name) => {
    const golden = readGolden(name);
    const plan = planGolden(golden);
    if (update) writeGolden(name, { ...golden, plan });
    expect(plan).toEqual(update ? plan : golden.plan);
  });
});
