import type { Bounds } from '@spica/catalog';
import * as fc from 'fast-check';

/** What may happen to the promises of a pool, in any order, by whomever. */
export type Operation =
  | { readonly do: 'look' }
  | {
      readonly do: 'reserve';
      readonly request: string;
      readonly perInstance: { readonly bytes: number; readonly inodes: number };
      readonly count: number;
      readonly bounds: Bounds;
    }
  | {
      readonly do: 'commit';
      readonly request: string;
      readonly id: string;
      readonly growth: GrowthFor;
      readonly ownBytes: number;
    }
  | { readonly do: 'settle' | 'giveBack'; readonly request: string }
  | { readonly do: 'sample'; readonly id: string; readonly growth: GrowthFor; readonly ownBytes: number }
  | { readonly do: 'adopt'; readonly id: string; readonly ownBytes: number }
  | { readonly do: 'beginDelete'; readonly id: string; readonly request: string | null }
  | { readonly do: 'endDelete'; readonly id: string; readonly outcome: 'gone' | 'kept' }
  | { readonly do: 'pass'; readonly ms: number };

export interface GrowthFor {
  readonly bytes: number;
  readonly inodes: number;
  readonly ms: number;
}

const request = fc.constantFrom('req-1', 'req-2');
const id = fc.constantFrom('spica-0001', 'spica-0002', 'spica-0003', 'spica-0004');
// Few amounts, so that sums often meet their bounds exactly; one large enough to show lost digits.
const bytes = fc.constantFrom(0, 1_000_003, 99_999_999_999_999);
const inodes = fc.constantFrom(0, 20_011);
const growth: fc.Arbitrary<GrowthFor> = fc.record({ bytes, inodes, ms: fc.integer({ min: 1, max: 10 }) });
const anyBounds: fc.Arbitrary<Bounds> = fc.record({
  bytes: fc.constantFrom(-1, 0, 2_000_006, 4_000_012, 400_000_000_000_000),
  inodes: fc.constantFrom(null, 0, 40_022, 80_044),
  slots: fc.integer({ min: 0, max: 6 }),
});
const bounds = fc.oneof(anyBounds, fc.constant({ bytes: Number.MAX_SAFE_INTEGER, inodes: null, slots: 9 }));
const perInstance = fc.record({ bytes, inodes });
const count = fc.integer({ min: 1, max: 3 });

const is = <T extends string>(...names: T[]) => fc.constantFrom(...names);

/** Any operation; those that meet each other most often come up most often. */
export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: is('look') }) },
  { weight: 3, arbitrary: fc.record({ do: is('reserve'), request, perInstance, count, bounds }) },
  { weight: 4, arbitrary: fc.record({ do: is('commit'), request, id, growth, ownBytes: bytes }) },
  { weight: 2, arbitrary: fc.record({ do: is('settle', 'giveBack'), request }) },
  { weight: 1, arbitrary: fc.record({ do: is('sample'), id, growth, ownBytes: bytes }) },
  { weight: 1, arbitrary: fc.record({ do: is('adopt'), id, ownBytes: bytes }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: is('beginDelete'), id, request: fc.option(request) }),
  },
  { weight: 2, arbitrary: fc.record({ do: is('endDelete'), id, outcome: is('gone', 'kept') }) },
  { weight: 1, arbitrary: fc.record({ do: is('pass'), ms: fc.integer({ min: 1, max: 10 }) }) },
);
