import * as fc from 'fast-check';

/**
 * What may happen to a pool, in any order. `crashAt`: before which of its steps the worker is killed, 0 for the first;
 * null for none, or when it takes fewer. `flushed`: Redis loses everything with the worker.
 */
export type Operation = Deed & { readonly crashAt: number | null; readonly flushed: boolean };

export type Deed =
  | { readonly do: 'spawn'; readonly count: number; readonly leaseMs: number | null }
  | { readonly do: 'finish' | 'undo' | 'pin' | 'unpin' | 'use' | 'restore'; readonly pick: number }
  | { readonly do: 'score'; readonly pick: number; readonly score: number }
  | {
      readonly do: 'lease';
      readonly pick: number;
      readonly owner: string;
      readonly ms: number;
      readonly force: boolean;
    }
  | { readonly do: 'release'; readonly pick: number; readonly owner: string; readonly force: boolean }
  | { readonly do: 'prune' | 'dryRun' | 'sealed' | 'sweep' | 'reconcile' | 'restart' | 'flush' | 'confirm' }
  | { readonly do: 'rollback'; readonly ago: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'jump'; readonly to: 'a day ahead' | 'an hour back' | 'right' };

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const is = <T extends string>(...names: T[]) => fc.constantFrom(...names);
const pick = fc.nat(9);
const owner = is('ada', 'bob');
const force = fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true));
const leaseMs: fc.Arbitrary<number> = fc.constantFrom(10 * MINUTE, HOUR, 3 * HOUR);
const score = fc.constantFrom(0.1, 0.5, 0.9);

const deeds: readonly [weight: number, fc.Arbitrary<Deed>][] = [
  [
    5,
    fc.record({
      do: is('spawn'),
      count: fc.integer({ min: 1, max: 3 }),
      leaseMs: fc.option(leaseMs, { nil: null }),
    }),
  ],
  [4, fc.record({ do: is('finish'), pick })],
  [1, fc.record({ do: is('undo'), pick })],
  [3, fc.record({ do: is('lease'), pick, owner, ms: leaseMs, force })],
  [1, fc.record({ do: is('release'), pick, owner, force })],
  [2, fc.record({ do: is('pin', 'unpin', 'use'), pick })],
  [1, fc.record({ do: is('score'), pick, score })],
  [6, fc.record({ do: is('prune') })],
  [2, fc.record({ do: is('restore'), pick })],
  [3, fc.record({ do: is('dryRun', 'sealed', 'sealed', 'sweep') })],
  [2, fc.record({ do: is('reconcile', 'restart') })],
  [1, fc.record({ do: is('flush') })],
  [3, fc.record({ do: is('rollback'), ago: fc.integer({ min: 1, max: 5 }) })],
  [3, fc.record({ do: is('pass'), ms: fc.constantFrom(MINUTE, 20 * MINUTE, HOUR, 6 * HOUR, DAY) })],
  [1, fc.record({ do: is('jump'), to: is('a day ahead', 'an hour back', 'right') })],
  [1, fc.record({ do: is('confirm') })],
];

const crashAt = fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(40) });
const flushed = fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true));

/** Any operation; those that meet each other most often come up most often. */
export const anyOperation: fc.Arbitrary<Operation> = fc
  .tuple(fc.oneof(...deeds.map(([weight, arbitrary]) => ({ weight, arbitrary }))), crashAt, flushed)
  .map(([deed, at, lost]) => ({ ...deed, crashAt: at, flushed: lost && at !== null }));
