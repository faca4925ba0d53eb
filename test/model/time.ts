import type { Clocks } from './clocks.ts';
import { DAY, MINUTE } from './operation.ts';

/** What a worker must think of the clocks, told from what they say. */
export class Time {
  /** By how much the host's clock may be ahead of the right time without the running worker's having seen it jump. */
  #usualMs: number;
  /** The jump that Redis remembers, for the next worker. */
  #rememberedMs = 0;
  #acceptedMs = 0;
  readonly clocks: Clocks;
  suspended = false;
  #aheadMs = 0;

  constructor(clocks: Clocks) {
    this.clocks = clocks;
    this.#usualMs = this.#offsetMs;
  }

  get wall(): number {
    return this.clocks.wall;
  }

  /** The time by which whatever protects is judged. */
  get judge(): number {
    return this.wall - this.#aheadMs;
  }

  get #offsetMs(): number {
    return this.clocks.wall - this.clocks.right;
  }

  /** A worker looks at the clocks. */
  look(): void {
    const jumpMs = this.#offsetMs - this.#usualMs;
    const jumped = Math.abs(jumpMs) > DAY;
    const differsMs = this.clocks.wall - this.clocks.redis - this.#acceptedMs;
    const differs = Math.abs(differsMs) > 5 * MINUTE;
    this.suspended = jumped || differs;
    this.#rememberedMs = jumped ? jumpMs : 0;
    this.#aheadMs = Math.max(0, jumped ? jumpMs : differs ? differsMs : 0);
  }

  /** Another worker runs from now on. */
  restart(): void {
    this.#usualMs = this.#offsetMs - this.#rememberedMs;
    this.look();
  }

  flush(): void {
    this.#rememberedMs = 0;
    this.#acceptedMs = 0;
  }

  /** What operators have accepted, as Redis remembers it. */
  get acceptedMs(): number {
    return this.#acceptedMs;
  }

  /** Redis remembers what it did then. */
  stepBack(acceptedMs: number): void {
    this.#acceptedMs = acceptedMs;
  }

  confirm(): void {
    this.#acceptedMs = this.clocks.wall - this.clocks.redis;
    this.#usualMs = this.#offsetMs;
  }
}
