import type { AuditRecord } from '@spica/queues';
import type { PoolEvent } from '../view.ts';

/** Entries that wait for a watcher which does not keep up; the oldest go. */
const MOST_ENTRIES = 1_000;
/** More changes at a time are told as one: that all have to be read anew. */
const MOST_IDS = 1_000;
/** What changes again and again is told so often. */
const EVERY_MS = 1_000;

/** What one watcher of a pool has still to be told: the newest of each kind, and all entries of the audit log. */
export class Watcher {
  #pool: PoolEvent | null = null;
  readonly #requests = new Changes();
  readonly #instances = new Changes();
  #entries: AuditRecord[] = [];
  #failure: unknown = null;
  #changed = Promise.withResolvers<void>();

  setPool(event: PoolEvent): void {
    this.#pool = event;
    this.#changed.resolve();
  }

  addRequest(id: string): void {
    this.#requests.add([id]);
    this.#changed.resolve();
  }

  /** @param ids Null where it is not known which have changed. */
  addInstances(ids: readonly string[] | null): void {
    this.#instances.add(ids);
    this.#changed.resolve();
  }

  addEntry(entry: AuditRecord): void {
    this.#entries.push(entry);
    if (this.#entries.length > MOST_ENTRIES) this.#entries.shift();
    this.#changed.resolve();
  }

  /** The next event is this error. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#changed.resolve();
  }

  /** The next thing to be told; null once the signal is aborted. Throws what it was made to fail with. */
  async next(signal: AbortSignal): Promise<PoolEvent | null> {
    while (!signal.aborted) {
      if (this.#failure !== null) throw this.#failure;
      const now = performance.now();
      const event = this.#take(now);
      if (event) return event;
      await this.#change(signal, Math.min(this.#requests.dueInMs(now), this.#instances.dueInMs(now)));
    }
    return null;
  }

  #take(now: number): PoolEvent | null {
    const pool = this.#pool;
    this.#pool = null;
    if (pool) return pool;
    const entry = this.#entries.shift();
    if (entry) return { event: 'audit', data: entry };
    const requests = this.#requests.take(now);
    if (requests) return { event: 'requests', data: requests };
    const instances = this.#instances.take(now);
    return instances && { event: 'instances', data: instances };
  }

  /** Waits until something has changed, or what has changed already may be told. Leaves nothing behind on the signal. */
  async #change(signal: AbortSignal, dueInMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = Number.isFinite(dueInMs) ? setTimeout(resolve, dueInMs) : undefined;
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#changed.promise.then(resolve);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    this.#changed = Promise.withResolvers();
  }
}

/** Ids of what has changed since it was told last. */
class Changes {
  #ids: Set<string> | null = new Set();
  #toldAt = Number.NEGATIVE_INFINITY;

  add(ids: readonly string[] | null): void {
    if (ids === null) this.#ids = null;
    for (const id of ids ?? []) this.#ids?.add(id);
    if (this.#ids && this.#ids.size > MOST_IDS) this.#ids = null;
  }

  /** In how many milliseconds what has changed may be told; Infinity where nothing has. */
  dueInMs(now: number): number {
    if (this.#ids?.size === 0) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#toldAt + EVERY_MS - now);
  }

  /** Null where nothing has changed, or the last time is not long enough ago. */
  take(now: number): { readonly changed: true; readonly ids: readonly string[] | null } | null {
    if (this.dueInMs(now) > 0) return null;
    const ids = this.#ids && [...this.#ids];
    this.#ids = new Set();
    this.#toldAt = now;
    return { changed: true, ids };
  }
}
