import type { Ledger } from '@spica/catalog';
import type { GrowthFor, Operation } from './operation.ts';

interface Promised {
  readonly bytes: number;
  readonly inodes: number;
  slots: number;
}

interface Known {
  request: string | null;
  growth: { readonly bytes: number; readonly inodes: number; readonly endsAt: number } | null;
  ownBytes: number;
  deleting: boolean;
}

type Of<Name> = Extract<Operation, { do: Name }>;

/** The catalog's promises, counted the slow way: each sum anew from all there is. Answers as the catalog must. */
export class LedgerModel {
  now = 1_700_000_000_000;
  seen = { bytes: 0, inodes: 0 };
  readonly #settled = { bytes: 0, inodes: 0 };
  readonly #promised = new Map<string, Promised>();
  readonly #known = new Map<string, Known>();

  apply(operation: Operation): unknown {
    switch (operation.do) {
      case 'look':
        this.seen = { ...this.#settled };
        return undefined;
      case 'pass':
        this.now += operation.ms;
        return undefined;
      case 'reserve':
        return this.#reserve(operation);
      case 'commit':
        return this.#commit(operation);
      case 'settle':
        return this.#settle(operation.request);
      case 'giveBack':
        return this.#giveBack(operation.request);
      case 'sample':
        return this.#sample(operation);
      case 'adopt':
        return this.#adopt(operation);
      case 'beginDelete':
        return this.#beginDelete(operation);
      case 'endDelete':
        return this.#endDelete(operation);
    }
  }

  ledger(): Ledger {
    const promised = [...this.#promised.values()];
    const live = [...this.#known.values()].flatMap(({ growth }) =>
      growth !== null && growth.endsAt > this.now ? [growth] : [],
    );
    return {
      reserved: {
        bytes: sum(promised.map(({ bytes, slots }) => bytes * slots)),
        inodes: sum(promised.map(({ inodes, slots }) => inodes * slots)),
        slots: sum(promised.map(({ slots }) => slots)),
      },
      growth: { bytes: sum(live.map(({ bytes }) => bytes)), inodes: sum(live.map(({ inodes }) => inodes)) },
      instances: this.#known.size,
      ownBytes: sum([...this.#known.values()].map(({ ownBytes }) => ownBytes)),
      settled: { ...this.#settled },
    };
  }

  #reserve({ request, perInstance, count, bounds }: Of<'reserve'>) {
    if (this.#promised.has(request)) return { reserved: true };
    const { reserved, growth, instances, settled } = this.ledger();
    const unseen = { bytes: settled.bytes - this.seen.bytes, inodes: settled.inodes - this.seen.inodes };
    const after = {
      bytes: reserved.bytes + growth.bytes + unseen.bytes + perInstance.bytes * count,
      inodes: reserved.inodes + growth.inodes + unseen.inodes + perInstance.inodes * count,
      slots: reserved.slots + instances + count,
    };
    const short = (['bytes', 'inodes', 'slots'] as const).filter(
      (what) => after[what] > (bounds[what] ?? Number.POSITIVE_INFINITY),
    );
    if (short.length > 0) return { reserved: false, short };
    this.#promised.set(request, { ...perInstance, slots: count });
    return { reserved: true };
  }

  #commit({ request, id, growth, ownBytes }: Of<'commit'>) {
    if (this.#known.has(id)) return 'already';
    const promised = this.#promised.get(request);
    if (!promised || promised.slots === 0) return 'no-reservation';
    promised.slots -= 1;
    this.#take(promised, 1);
    this.#known.set(id, { request, growth: this.#until(growth), ownBytes, deleting: false });
    return 'committed';
  }

  #settle(request: string) {
    const mine = [...this.#known].filter(([, known]) => known.request === request);
    for (const [, known] of mine) known.request = null;
    this.#giveBack(request);
    return mine.map(([id]) => id);
  }

  #giveBack(request: string) {
    const promised = this.#promised.get(request);
    if (!promised) return false;
    this.#take(promised, promised.slots);
    return this.#promised.delete(request);
  }

  #sample({ id, growth, ownBytes }: Of<'sample'>) {
    const known = this.#known.get(id);
    if (known) Object.assign(known, { growth: this.#until(growth), ownBytes });
    return known ? 'kept' : 'absent';
  }

  #adopt({ id, ownBytes }: Of<'adopt'>) {
    if (this.#known.has(id)) return false;
    this.#known.set(id, { request: null, growth: null, ownBytes, deleting: false });
    return true;
  }

  #beginDelete({ id, request }: Of<'beginDelete'>) {
    const known = this.#known.get(id);
    if (!known) return { outcome: 'absent' };
    if (known.deleting) return { outcome: 'deleting' };
    if (known.request !== null && known.request !== request) {
      return { outcome: 'in-flight', request: known.request };
    }
    known.deleting = true;
    return { outcome: 'begun' };
  }

  #endDelete({ id, outcome }: Of<'endDelete'>) {
    const known = this.#known.get(id);
    if (outcome === 'gone') this.#known.delete(id);
    else if (known) known.deleting = false;
    return undefined;
  }

  #take({ bytes, inodes }: Promised, slots: number) {
    this.#settled.bytes += bytes * slots;
    this.#settled.inodes += inodes * slots;
  }

  #until({ bytes, inodes, ms }: GrowthFor) {
    return { bytes, inodes, endsAt: this.now + ms };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
