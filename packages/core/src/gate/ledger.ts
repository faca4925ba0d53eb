import TinyQueue from 'tinyqueue';
import type { Amount, Size } from '../admission/space.ts';
import { FilesystemTotals } from './totals.ts';

/** What a decision needs to know of a ledger. Whoever only looks on has it from what the serving process publishes. */
export interface LedgerSums {
  /**
   * Promised and not there yet. Bytes and inodes of all pools on the filesystem, template preparations included, and of
   * what other processes have reserved there; slots of this pool.
   */
  readonly reserved: Amount;
  /** What live instances on the filesystem are still expected to add. */
  readonly growth: Size;
  /** This pool's instances, in flight or ready. */
  readonly instances: number;
  /**
   * A running total of what clones, preparations and growth may have put on the disk. Read before the disk is, and
   * compared with what it is when the decision is made, it tells what the reading of the disk may not show yet.
   */
  readonly landed: Size;
  /** The same under what else bounds the pool's bytes, by the bound's id. */
  readonly bounds: Readonly<Record<string, BoundSums>>;
}

/** What is reserved under a bound, expected to grow, and what has landed under it: see `LedgerSums`. */
export interface BoundSums {
  readonly reservedBytes: number;
  readonly growthBytes: number;
  readonly landedBytes: number;
}

/** What a request still holds: so many slots, and for each of them so much. */
export interface Reservation {
  readonly each: Size;
  readonly slots: number;
}

/** An instance as the ledger counts it: what it takes by itself, and what it is still expected to add until `endsAt`. */
export interface LedgerInstance {
  readonly ownBytes: number;
  readonly growth: Size & { readonly endsAt: number };
}

interface Counted extends LedgerInstance {
  /** Its growth is in the sums. */
  grows: boolean;
}

const NOTHING: Size = { bytes: 0, inodes: 0 };
/** One for all: most of 100,000 instances grow no more. */
const NO_GROWTH: LedgerInstance['growth'] = { ...NOTHING, endsAt: 0 };
/** So many ends in the queue may belong to instances that have changed since, besides one for each instance. */
const MOST_STALE = 1_000;

function newQueue(ends: { id: string; at: number }[]) {
  return new TinyQueue(ends, (a, b) => a.at - b.at);
}

/**
 * What one pool has reserved and expects: reservations, template preparations, clones under way, and the growth of live instances with
 * when it ends. A plain object in the process that serves the pool, which is the only one that changes it. All sums are
 * kept as they change, so that a decision costs the same with 10 and with 100,000 instances. Times are epoch milliseconds.
 */
export class Ledger {
  readonly filesystem: FilesystemTotals;
  readonly bounds: ReadonlyMap<string, FilesystemTotals>;
  readonly #reservations = new Map<string, Reservation>();
  readonly #preparations = new Map<string, Size>();
  readonly #clones = new Map<string, Size>();
  readonly #setUps = new Map<string, Size>();
  readonly #instances = new Map<string, Counted>();
  #ends = newQueue([]);
  #slots = 0;
  #ownBytes = 0;

  /**
   * @param filesystem Shared by all ledgers whose pools lie on the same filesystem.
   * @param bounds What else bounds the pool's bytes, by id: the totals of a disk below are those of whoever lies on it.
   */
  constructor(
    filesystem = new FilesystemTotals(),
    bounds: ReadonlyMap<string, FilesystemTotals> = new Map(),
  ) {
    this.filesystem = filesystem;
    this.bounds = bounds;
  }

  /** The sums at `now`: growth whose time has come has ended. */
  sums(now: number): LedgerSums {
    this.#expire(now);
    const { growth, landed, reservedInAll } = this.filesystem;
    const reservedBytes = reservedInAll.bytes + this.filesystem.pledgedBytes(null);
    const bounds = [...this.bounds].map(([id, totals]): [string, BoundSums] => [
      id,
      {
        reservedBytes: totals.reservedInAll.bytes + totals.pledgedBytes(this.filesystem),
        growthBytes: totals.growth.size.bytes,
        landedBytes: totals.landed.size.bytes,
      },
    ]);
    return {
      reserved: { bytes: reservedBytes, inodes: reservedInAll.inodes, slots: this.#slots },
      growth: growth.size,
      instances: this.#instances.size,
      landed: landed.size,
      bounds: Object.fromEntries(bounds),
    };
  }

  /** Bytes that the pool's instances take by themselves, as last measured or as cloned. */
  get ownBytes(): number {
    return this.#ownBytes;
  }

  /** When the next instance's growth ends; null where nothing grows. */
  get nextGrowthEnd(): number | null {
    return this.#ends.peek()?.at ?? null;
  }

  /** The ids of requests that hold a reservation. */
  get requests(): string[] {
    return [...this.#reservations.keys()];
  }

  /** Promises a request `slots` times `each`. A second call for the same request takes the place of the first. */
  reserve(request: string, each: Size, slots: number): void {
    this.giveBack(request);
    this.#reservations.set(request, { each, slots });
    this.#add('reserved', each, slots);
    this.#slots += slots;
  }

  reservation(request: string): Reservation | null {
    return this.#reservations.get(request) ?? null;
  }

  /**
   * One slot of the request's reservation has become an instance. An instance that is counted already is only counted
   * anew. False, with nothing changed, where the request holds no slot for it.
   */
  commit(request: string, id: string, instance: LedgerInstance, landed: Size): boolean {
    const held = this.#reservations.get(request);
    if (!this.#instances.has(id)) {
      if (!held || held.slots === 0) return false;
      this.#reservations.set(request, { ...held, slots: held.slots - 1 });
      this.#add('reserved', held.each, -1);
      this.#add('landed', landed);
      this.#slots -= 1;
    }
    this.count(id, instance);
    return true;
  }

  /** Gives back what is left of a reservation; false where there is none. */
  giveBack(request: string): boolean {
    const held = this.#reservations.get(request);
    if (!held) return false;
    this.#add('reserved', held.each, -held.slots);
    this.#slots -= held.slots;
    return this.#reservations.delete(request);
  }

  /** A template's snapshot is being made, and will take so much: counted as reserved until `endPreparation`. */
  beginPreparation(template: string, size: Size): void {
    this.endPreparation(template, NOTHING);
    this.#preparations.set(template, size);
    this.#add('reserved', size);
  }

  /** It is made, and took `landed`; nothing where it failed. */
  endPreparation(template: string, landed: Size): void {
    const size = this.#preparations.get(template);
    if (!size) return;
    this.#add('reserved', size, -1);
    this.#add('landed', landed);
    this.#preparations.delete(template);
  }

  /** A clone begins that will put so much on the disk. It stays reserved until it is committed. */
  beginClone(id: string, size: Size): void {
    this.endClone(id);
    this.#clones.set(id, size);
    this.#add('cloning', size);
  }

  endClone(id: string): void {
    const size = this.#clones.get(id);
    if (!size) return;
    this.#add('cloning', size, -1);
    this.#clones.delete(id);
  }

  /**
   * The set-up of a request's instance begins: until it has ended, all of the instance is reserved, whatever it has
   * written already.
   */
  beginSetUp(request: string, id: string): void {
    this.endSetUp(id);
    const each = this.#reservations.get(request)?.each ?? NOTHING;
    this.#setUps.set(id, each);
    this.#add('settingUp', each);
  }

  endSetUp(id: string): void {
    const each = this.#setUps.get(id);
    if (!each) return;
    this.#add('settingUp', each, -1);
    this.#setUps.delete(id);
  }

  /** Counts an instance, known or not: it was adopted, measured, leased or released. */
  count(id: string, { ownBytes, growth }: LedgerInstance): void {
    this.#forget(id, growth, ownBytes);
    const grows = growth.bytes > 0 || growth.inodes > 0;
    this.#instances.set(id, { ownBytes, growth: grows ? growth : NO_GROWTH, grows });
    this.#ownBytes += ownBytes;
    if (grows) {
      this.#add('growth', growth);
      this.#ends.push({ id, at: growth.endsAt });
      if (this.#ends.length > MOST_STALE + 2 * this.#instances.size) this.#forgetStaleEnds();
    }
  }

  /** The instance is gone from sight. */
  remove(id: string): void {
    this.#forget(id, NOTHING, 0);
  }

  has(id: string): boolean {
    return this.#instances.has(id);
  }

  /** The instance as it is counted; null where it is not. */
  instance(id: string): LedgerInstance | null {
    return this.#instances.get(id) ?? null;
  }

  /** What an instance is still expected to add at a time; null where that is nothing. */
  growthOf(id: string, now: number): Size | null {
    const instance = this.#instances.get(id);
    return instance?.grows && instance.growth.endsAt > now ? instance.growth : null;
  }

  /** What this pool takes, it takes of its filesystem and under each bound. */
  #add(total: 'reserved' | 'growth' | 'landed' | 'cloning' | 'settingUp', size: Size, times = 1): void {
    this.filesystem[total].add(size, times);
    for (const totals of this.bounds.values()) totals[total].add(size, times);
  }

  /** Counts an instance no more, or anew with what it takes and is expected to add now. */
  #forget(id: string, next: Size, ownBytes: number): void {
    const instance = this.#instances.get(id);
    if (!instance) return;
    if (instance.grows) this.#endGrowth(instance, next, ownBytes - instance.ownBytes);
    this.#ownBytes -= instance.ownBytes;
    this.#instances.delete(id);
  }

  /**
   * What is not expected of an instance any more may have come true, on a disk that was read before; and what it was
   * found to have added has, though more is expected of it.
   */
  #endGrowth({ growth }: LedgerInstance, next: Size, addedBytes = 0): void {
    this.#add('growth', growth, -1);
    this.#add('landed', {
      bytes: Math.max(0, growth.bytes - next.bytes, Math.min(growth.bytes, addedBytes)),
      inodes: Math.max(0, growth.inodes - next.inodes),
    });
  }

  /** Each change of an instance queues another end; those that it has no more are dropped from time to time. */
  #forgetStaleEnds(): void {
    const current = [...this.#instances].filter(([, { grows }]) => grows);
    this.#ends = newQueue(current.map(([id, { growth }]) => ({ id, at: growth.endsAt })));
  }

  /** Ends growth whose time has come. What stands in the queue for an instance that has changed since is passed over. */
  #expire(now: number): void {
    for (let next = this.#ends.peek(); next !== undefined && next.at <= now; next = this.#ends.peek()) {
      this.#ends.pop();
      const instance = this.#instances.get(next.id);
      if (!instance?.grows || instance.growth.endsAt > now) continue;
      this.#endGrowth(instance, NOTHING);
      instance.grows = false;
    }
  }
}
