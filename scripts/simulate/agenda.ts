interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** What is still to happen, in order of time; at the same time, in the order in which it was planned. A binary heap. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #order = 0;
  /** Virtual milliseconds since the beginning. No clock can be set that changes it. */
  now = 0;

  /** Plans something for so many milliseconds from now. */
  after(ms: number, run: () => void): void {
    const heap = this.#heap;
    let child = heap.push({ at: this.now + Math.max(0, ms), order: this.#order, run }) - 1;
    this.#order += 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  /** Runs the next thing; false when there is none before `end`. */
  step(end: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.at > end) return false;
    const last = this.#heap.pop();
    if (last !== undefined && last !== next) this.#sink(last);
    this.now = next.at;
    next.run();
    return true;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    heap[0] = entry;
    let parent = 0;
    for (;;) {
      let first = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && this.#isBefore(child, first)) first = child;
      }
      if (first === parent) return;
      this.#swap(first, parent);
      parent = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  }
}
