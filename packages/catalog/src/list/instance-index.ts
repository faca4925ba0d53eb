import { type Departure, protectionAt, type RetentionPolicy } from '@spica/core';
import type { Catalog } from '../catalog.ts';
import type { CatalogInstance } from '../values.ts';
import { departureOfRow, type JudgeTerms, judgeRows, judgeTerms } from './judge.ts';
import { mergeRows, type Order, sortRows } from './order.ts';
import { isSameRow, type Row, toRow } from './row.ts';

/** Instances that one read brings: more would keep whoever else works here waiting, and grow V8's heap. */
const BATCH = 100;
/** Orders that are kept in order as instances change. */
const MOST_ORDERS = 4;
/** For so long what retention says of instances that have not changed is taken to hold: ages and others change it. */
const JUDGED_MS = 5_000;
/** A judgement of so many takes a few milliseconds, and is made for each change. Of more it is made less often. */
const QUICKLY_JUDGED = 10_000;
/** How long a change waits, at most, for each 1,000 instances of a larger pool. */
const WAIT_MS_PER_1000 = 10;

/**
 * All instances of a pool, as compact rows, in the process that is asked for lists of them. It is read once, and then again
 * only what has changed (`touchedSince`).
 */
export class InstanceIndex {
  #rows = new Map<string, Row>();
  readonly #orders = new Map<string, { readonly order: Order; rows: Row[] }>();
  #cursor: string | null = null;
  /** What the catalog counts and cannot be read. */
  #unreadable = 0;
  #reading: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #terms: JudgeTerms | null = null;
  /** Since the last judgement. */
  #hasChanged = false;
  #judgedAt = Number.NEGATIVE_INFINITY;

  /** Brings it to what the catalog says now, or later than now. */
  refresh(catalog: Catalog): Promise<void> {
    if (this.#reading === null) {
      this.#reading = this.#read(catalog).finally(() => {
        this.#reading = null;
      });
      return this.#reading;
    }
    // What is being read may be from before the caller's own change.
    const before = this.#reading;
    this.#next ??= before
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.refresh(catalog);
      });
    return this.#next;
  }

  /**
   * Takes in all instances as the caller reads them from the catalog: it begins to read once this has resolved. Whoever asks
   * for a list first then need not wait for a reading.
   */
  async fill(catalog: Catalog): Promise<Filling> {
    const { cursor, count } = await catalog.touchedSince(null);
    return this.#fill(cursor, count);
  }

  row(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  /** All rows in an order. */
  inOrder(order: Order): readonly Row[] {
    const known = this.#orders.get(order.name);
    this.#orders.delete(order.name);
    const rows = known?.rows ?? sortRows(this.#rows.values(), order);
    this.#orders.set(order.name, { order, rows });
    for (const name of [...this.#orders.keys()].slice(0, -MOST_ORDERS)) this.#orders.delete(name);
    return rows;
  }

  /** Takes in instances as they were read just now. */
  see(instances: readonly CatalogInstance[]): void {
    const fresh = instances.map((each) => toRow(each));
    this.#replace(
      fresh.filter((row) => {
        const known = this.#rows.get(row.id);
        return !known || !isSameRow(known, row);
      }),
      [],
    );
  }

  /**
   * Has the rows say what retention would do with them: with these instances as they are, and the others as they were seconds
   * ago at most.
   *
   * @param ids Of whom it is to be said; null for all.
   * @param policy Where nobody has published one.
   */
  async judge(
    catalog: Catalog,
    ids: readonly string[] | null,
    policy: RetentionPolicy | null,
  ): Promise<void> {
    const age = performance.now() - this.#judgedAt;
    const count = this.#rows.size;
    const waitMs = count <= QUICKLY_JUDGED ? 0 : (count / 1_000) * WAIT_MS_PER_1000;
    const isCurrent = ids === null ? !this.#hasChanged : ids.every((id) => isJudged(this.#rows.get(id)));
    if (age < (isCurrent ? JUDGED_MS : waitMs)) return;
    const [published, clock] = await Promise.all([catalog.publishedGate(), catalog.clockState()]);
    this.#terms = judgeTerms(published, clock, { policy, now: Date.now() });
    this.#judgedAt = performance.now();
    if (this.#terms !== null) judgeRows(this.#rows.values(), this.#terms);
    this.#hasChanged = false;
  }

  /** When an instance would go, by the last judgement; of one that has changed since, what keeps it. */
  departureOf(id: string): Departure | null {
    const row = this.#rows.get(id);
    if (!row || this.#terms === null) return null;
    if (isJudged(row)) return departureOfRow(row, this.#terms);
    const found = protectionAt(row.protections, this.#terms.leaseNow);
    if (found === null) return null;
    const judged = { action: 'keep', ...found } as const;
    return departureOfRow({ ...row, protectedBy: found, judged }, this.#terms);
  }

  async #read(catalog: Catalog): Promise<void> {
    const { cursor, ids, count } = await catalog.touchedSince(this.#cursor);
    // After Redis was lost nothing says what went: then the counts differ, without a change that explains it.
    const isLost = ids?.length === 0 && count !== this.#rows.size + this.#unreadable;
    if (ids === null || isLost) {
      const filling = this.#fill(cursor, count);
      for await (const each of catalog.list()) filling.add(each);
      filling.end();
    } else {
      await this.#readSome(catalog, ids);
      this.#cursor = cursor;
    }
  }

  #fill(cursor: string, count: number): Filling {
    const rows = new Map<string, Row>();
    const kept = new Map<string, unknown>();
    const keep = <T>(value: T): T => {
      const key = JSON.stringify(value);
      const known = kept.get(key);
      if (known === undefined) kept.set(key, value);
      return (known ?? value) as T;
    };
    return {
      add: (instance) => void rows.set(instance.record.id, toRow(instance, keep)),
      end: () => {
        this.#rows = rows;
        this.#orders.clear();
        this.#unreadable = count - rows.size;
        this.#judgedAt = Number.NEGATIVE_INFINITY;
        this.#cursor = cursor;
      },
    };
  }

  async #readSome(catalog: Catalog, ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += BATCH) {
      const part = ids.slice(start, start + BATCH);
      const found = (await catalog.getMany(part)).map((each) => toRow(each));
      const there = new Set(found.map(({ id }) => id));
      this.#replace(
        found,
        part.filter((id) => !there.has(id)),
      );
    }
  }

  #replace(rows: readonly Row[], gone: readonly string[]): void {
    const without = new Set<Row>();
    for (const id of [...rows.map((row) => row.id), ...gone]) {
      const known = this.#rows.get(id);
      if (known) without.add(known);
    }
    for (const id of gone) this.#rows.delete(id);
    for (const row of rows) this.#rows.set(row.id, row);
    if (rows.length === 0 && without.size === 0) return;
    this.#hasChanged = true;
    for (const kept of this.#orders.values())
      kept.rows = mergeRows(kept.rows, { without, and: rows }, kept.order);
  }
}

/** A reading of all instances. */
export interface Filling {
  add(instance: CatalogInstance): void;
  /** They were all: what has changed since the reading began is read when somebody asks. */
  end(): void;
}

/** Of one on its way out nothing is said. */
function isJudged(row: Row | undefined): boolean {
  return row === undefined || row.state === 'deleting' || row.judged !== null;
}

/** Those of this process: commands that the stack runs for others find what its server has read. */
const ofPlaces = new Map<string, WeakRef<InstanceIndex>>();
const ofCatalogs = new WeakMap<Catalog, InstanceIndex>();

/** The index of a pool; it lasts for as long as a catalog of that pool does. */
export function indexOf(catalog: Catalog): InstanceIndex {
  const known = ofCatalogs.get(catalog) ?? ofPlaces.get(catalog.place)?.deref();
  const index = known ?? new InstanceIndex();
  if (!known) ofPlaces.set(catalog.place, new WeakRef(index));
  ofCatalogs.set(catalog, index);
  return index;
}
