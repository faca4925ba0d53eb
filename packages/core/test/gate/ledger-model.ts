import * as fc from 'fast-check';
import type { LedgerSums, Size } from '../../src/index.ts';

const REQUESTS = ['req-1', 'req-2'] as const;
const IDS = ['spica-0001', 'spica-0002', 'spica-0003', 'spica-0004'] as const;
const TEMPLATES = ['small', 'large'] as const;

/** What may happen to the reservations of a pool, in any order. */
export type Operation =
  | { readonly do: 'reserve'; readonly request: string; readonly each: Size; readonly slots: number }
  | {
      readonly do: 'commit';
      readonly request: string;
      readonly id: string;
      readonly own: number;
      readonly grows: Grows;
    }
  | { readonly do: 'giveBack'; readonly request: string }
  | { readonly do: 'prepare'; readonly template: string; readonly size: Size }
  | { readonly do: 'prepared'; readonly template: string; readonly landed: Size }
  | { readonly do: 'count'; readonly id: string; readonly own: number; readonly grows: Grows }
  | { readonly do: 'remove'; readonly id: string }
  | { readonly do: 'pass'; readonly ms: number };

export interface Grows extends Size {
  readonly ms: number;
}

// Few amounts, so that sums often meet exactly; one large enough to show lost digits.
const bytes = fc.constantFrom(0, 1_000_003, 99_999_999_999_999);
const inodes = fc.constantFrom(0, 20_011);
const size = fc.record({ bytes, inodes });
const grows = fc.record({ bytes, inodes, ms: fc.integer({ min: 0, max: 10 }) });
const request = fc.constantFrom(...REQUESTS);
const id = fc.constantFrom(...IDS);
const template = fc.constantFrom(...TEMPLATES);
const is = <T extends string>(name: T) => fc.constant(name);

/** Any operation; those that meet each other most often come up most often. */
export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: is('reserve'), request, each: size, slots: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: is('commit'), request, id, own: bytes, grows }) },
  { weight: 2, arbitrary: fc.record({ do: is('giveBack'), request }) },
  { weight: 1, arbitrary: fc.record({ do: is('prepare'), template, size }) },
  { weight: 1, arbitrary: fc.record({ do: is('prepared'), template, landed: size }) },
  { weight: 3, arbitrary: fc.record({ do: is('count'), id, own: bytes, grows }) },
  { weight: 2, arbitrary: fc.record({ do: is('remove'), id }) },
  { weight: 2, arbitrary: fc.record({ do: is('pass'), ms: fc.integer({ min: 1, max: 10 }) }) },
);

interface Known {
  readonly own: number;
  readonly bytes: number;
  readonly inodes: number;
  readonly endsAt: number;
}

/** A pool's reservations, counted the slow way: each sum anew from all there is. */
export class LedgerModel {
  now = 1_700_000_000_000;
  readonly #reserved = new Map<string, { each: Size; slots: number }>();
  readonly #preparing = new Map<string, Size>();
  readonly #known = new Map<string, Known>();

  /** What the ledger must answer; undefined where it answers nothing. */
  apply(operation: Operation): unknown {
    switch (operation.do) {
      case 'reserve':
        this.#reserved.set(operation.request, { each: operation.each, slots: operation.slots });
        return undefined;
      case 'commit': {
        const held = this.#reserved.get(operation.request);
        const isKnown = this.#known.has(operation.id);
        if (!isKnown && !held?.slots) return false;
        if (!isKnown && held) held.slots -= 1;
        this.#count(operation);
        return true;
      }
      case 'giveBack':
        return this.#reserved.delete(operation.request);
      case 'prepare':
        this.#preparing.set(operation.template, operation.size);
        return undefined;
      case 'prepared':
        this.#preparing.delete(operation.template);
        return undefined;
      case 'count':
        this.#count(operation);
        return undefined;
      case 'remove':
        this.#known.delete(operation.id);
        return undefined;
      case 'pass':
        this.now += operation.ms;
        return undefined;
    }
  }

  #count({ id, own, grows }: { id: string; own: number; grows: Grows }): void {
    this.#known.set(id, { own, bytes: grows.bytes, inodes: grows.inodes, endsAt: this.now + grows.ms });
  }

  get ownBytes(): number {
    return sum([...this.#known.values()].map(({ own }) => own));
  }

  sums(): Omit<LedgerSums, 'landed'> {
    const held = [...this.#reserved.values()];
    const preparing = [...this.#preparing.values()];
    const growing = [...this.#known.values()].filter(({ endsAt }) => endsAt > this.now);
    const of = (what: 'bytes' | 'inodes') =>
      sum(held.map(({ each, slots }) => each[what] * slots)) + sum(preparing.map((each) => each[what]));
    return {
      reserved: { bytes: of('bytes'), inodes: of('inodes'), slots: sum(held.map(({ slots }) => slots)) },
      growth: {
        bytes: sum(growing.map(({ bytes }) => bytes)),
        inodes: sum(growing.map(({ inodes }) => inodes)),
      },
      instances: this.#known.size,
    };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
