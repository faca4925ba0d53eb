import * as fc from 'fast-check';

/** What may happen to the instances and requests of a pool, in any order. */
export type Operation =
  | { readonly do: 'commit'; readonly of: Life; readonly id: string }
  | { readonly do: 'complete'; readonly of: Life; readonly ids: readonly string[] }
  | { readonly do: 'cancel'; readonly of: Life }
  | { readonly do: 'adopt'; readonly id: string }
  | {
      readonly do: 'beginDelete';
      readonly id: string;
      readonly owner: string;
      readonly request: string | null;
      /** How many more changes the caller has seen than there are. */
      readonly ahead: number;
    }
  | {
      readonly do: 'endDelete';
      readonly id: string;
      readonly outcome: 'gone' | 'kept';
      readonly owner: string | null;
    }
  | {
      readonly do: 'lease';
      readonly id: string;
      readonly token: string;
      readonly ms: number;
      readonly force: boolean;
    }
  | { readonly do: 'release'; readonly id: string; readonly token: string | null; readonly force: boolean }
  | { readonly do: 'pin'; readonly id: string; readonly by: string | null }
  | { readonly do: 'pass'; readonly ms: number };

/** One life of a request. */
export interface Life {
  readonly request: string;
  readonly life: string;
}

export const IDS = ['spica-0001', 'spica-0002', 'spica-0003'] as const;
export const LIVES: readonly Life[] = ['req-1', 'req-2'].flatMap((request) =>
  ['00000001', '00000002'].map((life) => ({ request, life })),
);

const id = fc.constantFrom(...IDS);
const of = fc.constantFrom(...LIVES);
const owner = fc.constantFrom('job-1', 'job-2');
const request = fc.constantFrom('req-1', 'req-2');
const token = fc.constantFrom('one', 'two');
const ms = fc.integer({ min: 1, max: 10 });
/** True one time in five. */
const rarely = fc.integer({ min: 0, max: 4 }).map((n) => n === 0);

const is = <T extends string>(...names: T[]) => fc.constantFrom(...names);

/** Any operation; those that meet each other most often come up most often. */
export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: is('commit'), of, id }) },
  { weight: 2, arbitrary: fc.record({ do: is('complete'), of, ids: fc.uniqueArray(id) }) },
  { weight: 1, arbitrary: fc.record({ do: is('cancel'), of }) },
  { weight: 2, arbitrary: fc.record({ do: is('adopt'), id }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: is('beginDelete'),
      id,
      owner,
      request: fc.option(request),
      ahead: rarely.map((isAhead) => (isAhead ? 1 : 0)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: is('endDelete'), id, outcome: is('gone', 'kept'), owner: fc.option(owner) }),
  },
  { weight: 4, arbitrary: fc.record({ do: is('lease'), id, token, ms, force: rarely }) },
  { weight: 2, arbitrary: fc.record({ do: is('release'), id, token: fc.option(token), force: rarely }) },
  { weight: 1, arbitrary: fc.record({ do: is('pin'), id, by: fc.option(fc.constant('eve')) }) },
  { weight: 2, arbitrary: fc.record({ do: is('pass'), ms }) },
);
