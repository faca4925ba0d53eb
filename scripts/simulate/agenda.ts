import TinyQueue from 'tinyqueue';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** What is still to happen, in order of time; at the same time, in the order in which it was planned. */
export class Agenda {
  readonly #queue = new TinyQueue<Entry>([], (a, b) => a.at - b.at || a.order - b.order);
  #order = 0;
  /** Virtual milliseconds since the beginning. No clock can be set that changes it. */
  now = 0;

  /** Plans something for so many milliseconds from now. */
  after(ms: number, run: () => void): void {
    this.#queue.push({ at: this.now + Math.max(0, ms), order: this.#order, run });
    this.#order += 1;
  }

  /** Runs the next thing; false when there is none before `end`. */
  step(end: number): boolean {
    const next = this.#queue.peek();
    if (next === undefined || next.at > end) return false;
    this.#queue.pop();
    this.now = next.at;
    next.run();
    return true;
  }
}
