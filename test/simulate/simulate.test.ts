import { beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, simulate } from '../../scripts/simulate/run.ts';
import { HOST } from '../../scripts/simulate/scenario.ts';

const EVERYTHING = { others: true, crashes: true, clockChanges: true, wrongProfiles: true };
const CALM = { others: false, crashes: true, clockChanges: false, wrongProfiles: false };

describe.each([1, 2, 3])('a month of tournaments, with all that may go wrong (seed %i)', (seed) => {
  let outcome: Outcome;
  let total: number;
  beforeAll(() => {
    outcome = simulate({ seed, days: 30, load: 1, troubles: EVERYTHING });
    total = outcome.ends.done + outcome.ends.failed;
  });

  it('breaks no rule: floor, order and service', () => {
    expect(outcome.violations).toEqual([]);
    expect(outcome.ends.rejected).toBe(0);
    expect(total).toBeGreaterThan(1_000);
    expect(outcome.crashes).toBeGreaterThan(10);
  });

  it('holds fewer than 5 % of requests that could have been admitted with perfect knowledge', () => {
    expect(outcome.wronglyHeld / total).toBeLessThan(0.05);
  });

  it('stays within half the floor where instances become larger than expected', () => {
    expect(outcome.below.worstByExcessBytes).toBeLessThan(HOST.floor.bytes / 2);
  });
});

it('never touches the floor, however great the load, while instances stay within their profile', () => {
  const outcome = simulate({ seed: 7, days: 10, load: 3, troubles: CALM });
  expect(outcome.violations).toEqual([]);
  expect(outcome.below.minutes).toBe(0);
  expect(outcome.lowestBytes).toBeGreaterThanOrEqual(HOST.floor.bytes);
});

it('replays a seed exactly', () => {
  const options = { seed: 11, days: 3, load: 1, troubles: EVERYTHING };
  expect(simulate(options)).toEqual(simulate(options));
});
