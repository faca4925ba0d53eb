/**
 * Parts of a long list, by where they stand in it: the last ones that were asked for. What was loaded before the last change
 * is shown until it is loaded again.
 */
export class PageCache<T> {
  readonly pageSize: number;
  readonly #most: number;
  readonly #pages = new Map<number, { readonly items: readonly T[]; readonly change: number }>();
  #change = 0;
  #total: number | null = null;

  constructor({ pageSize, most }: { readonly pageSize: number; readonly most: number }) {
    this.pageSize = pageSize;
    this.#most = most;
  }

  /** How many rows the list has, as last heard; null before. */
  get total(): number | null {
    return this.#total;
  }

  /** Counts the changes: to be given back with what was asked for after it. */
  get change(): number {
    return this.#change;
  }

  /** The row at a place; undefined where it is not there (yet). */
  row(index: number): T | undefined {
    const page = this.#pages.get(Math.floor(index / this.pageSize));
    return this.#total !== null && index >= this.#total ? undefined : page?.items[index % this.pageSize];
  }

  /** Pages with rows from `first` to `last` that have to be loaded, those without anything to show first. */
  missing(first: number, last: number): number[] {
    const end = this.#total === null ? last : Math.min(last, this.#total - 1);
    const pages: number[] = [];
    for (let page = Math.floor(Math.max(0, first) / this.pageSize); page * this.pageSize <= end; page += 1) {
      if (this.#pages.get(page)?.change !== this.#change) pages.push(page);
    }
    return pages.sort((a, b) => Number(this.#pages.has(a)) - Number(this.#pages.has(b)) || a - b);
  }

  /** @param change What `change` was when it was asked for. */
  put(page: number, { items, total, change }: { items: readonly T[]; total: number; change: number }): void {
    this.#total = total;
    this.#pages.delete(page);
    this.#pages.set(page, { items, change });
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= this.#most) break;
      this.#pages.delete(oldest);
    }
  }

  /** The list has changed: all of it is to be loaded again. */
  changed(): void {
    this.#change += 1;
  }
}
