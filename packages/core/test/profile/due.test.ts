import { expect, it } from 'vitest';
import { dueAfterMs } from '../../src/index.ts';

const MIN = 60_000;
const terms = { leastMs: MIN, mostMs: 60 * MIN };

function due(...history: [minute: number, ownBytes: number][]) {
  return dueAfterMs(
    history.map(([minute, ownBytes]) => ({ at: minute * MIN, ownBytes })),
    terms,
  );
}

it('is every minute for one that was measured less than twice', () => {
  expect(due()).toBe(MIN);
  expect(due([0, 1e9])).toBe(MIN);
});

it('is every minute while it grows', () => {
  expect(due([0, 1e9], [1, 1.02e9])).toBe(MIN);
  expect(due([0, 1e9], [30, 3e9])).toBe(MIN);
});

it('is later for one that grows slowly: after a hundredth more', () => {
  expect(due([0, 1e9], [10, 1.01e9])).toBe(10.1 * MIN);
});

it('backs off to hourly for one that is quiet, twice as long each time', () => {
  const waits: number[] = [];
  const history = [0, 1].map((minute) => ({ at: minute * MIN, ownBytes: 1e9 }));
  for (let i = 0; i < 8; i += 1) {
    const wait = dueAfterMs(history, terms);
    waits.push(wait / MIN);
    history.push({ at: (history.at(-1)?.at ?? 0) + wait, ownBytes: 1e9 });
  }
  expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
});

it('is within a minute again once it grows, or when the clock was set back', () => {
  expect(due([0, 1e9], [60, 4e9])).toBe(MIN);
  expect(due([60, 1e9], [0, 1e9])).toBe(MIN);
});
