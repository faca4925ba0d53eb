import { signal } from '@preact/signals';
import { messageOf } from '../../api/call.ts';
import { PageCache } from './page-cache.ts';

export interface RowPage<T> {
  readonly items: readonly T[];
  readonly total: number;
}

export type LoadRows<T> = (offset: number, limit: number, signal: AbortSignal) => Promise<RowPage<T>>;

const PAGE_SIZE = 100;
const MOST_PAGES = 50;
const MOST_AT_ONCE = 2;
/** Who scrolls fast asks for the rows where they stop, and not for all that fly by. */
const REST_MS = 60;
/** Most rows that one answer has. */
const MOST_LISTED = 1_000;

/** The rows of a long list, of which those are loaded that are looked at. */
export class RowLoader<T> {
  /** What is there changes with it: read it where rows are shown. */
  readonly version = signal(0);
  /** Why the last load failed; null where it did not. */
  readonly error = signal<string | null>(null);
  readonly #load: LoadRows<T>;
  readonly #cache = new PageCache<T>({ pageSize: PAGE_SIZE, most: MOST_PAGES });
  readonly #underWay = new Map<number, AbortController>();
  #wanted: readonly [first: number, last: number] = [0, PAGE_SIZE - 1];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(load: LoadRows<T>) {
    this.#load = load;
  }

  get total(): number | null {
    return this.#cache.total;
  }

  row(index: number): T | undefined {
    return this.#cache.row(index);
  }

  /** These rows are looked at. */
  want(first: number, last: number): void {
    this.#wanted = [first, last];
    clearTimeout(this.#timer);
    if (this.#cache.missing(first, last).length === 0) return;
    if (this.#cache.total === null) this.#loadMissing();
    else this.#timer = setTimeout(() => this.#loadMissing(), REST_MS);
  }

  /** The list has changed: what is looked at is loaded again, and shown as it was until then. */
  refresh(): void {
    this.#cache.changed();
    this.#loadMissing();
  }

  /** The rows from one place to another, loaded where they are not there. Throws ApiError. */
  async range(from: number, to: number): Promise<T[]> {
    const rows: T[] = [];
    for (let at = from; at <= to; ) {
      const known = this.#cache.row(at);
      const limit = Math.min(MOST_LISTED, to - at + 1);
      const more =
        known === undefined ? (await this.#load(at, limit, new AbortController().signal)).items : [known];
      if (more.length === 0) break;
      rows.push(...more);
      at += more.length;
    }
    return rows;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const controller of this.#underWay.values()) controller.abort();
  }

  #loadMissing(): void {
    if (this.#isStopped) return;
    const pages = this.#cache.missing(...this.#wanted);
    for (const [page, controller] of this.#underWay) if (!pages.includes(page)) controller.abort();
    for (const page of pages) {
      if (this.#underWay.size >= MOST_AT_ONCE) return;
      if (!this.#underWay.has(page)) void this.#loadPage(page);
    }
  }

  async #loadPage(page: number): Promise<void> {
    const controller = new AbortController();
    this.#underWay.set(page, controller);
    const { change, pageSize } = this.#cache;
    try {
      const found = await this.#load(page * pageSize, pageSize, controller.signal);
      this.#cache.put(page, { ...found, change });
      this.error.value = null;
      this.version.value += 1;
      this.#underWay.delete(page);
      this.#loadMissing();
    } catch (error) {
      this.#underWay.delete(page);
      // One that is not wanted any more has made room for those that are. After a failure the next change tries again.
      if (controller.signal.aborted) this.#loadMissing();
      else this.error.value = messageOf(error);
    }
  }
}
