/** The clocks around a worker, in milliseconds, turned by hand. */
export class Clocks {
  /** The host's, epoch. */
  wall = 1_790_000_000_000;
  /** Never set. */
  monotonic = 0;
  /** How far Redis's is from the right time. */
  #redisOffsetMs = 0;
  #redisOnHost: boolean;

  /** `redisOnHost`: Redis runs on the same host, so that its clock is set with the host's. */
  constructor({ redisOnHost }: { redisOnHost: boolean }) {
    this.#redisOnHost = redisOnHost;
  }

  /** Epoch milliseconds. */
  get redis(): number {
    return this.right + this.#redisOffsetMs;
  }

  /** What all clocks would say, had nobody set one. */
  get right(): number {
    return 1_790_000_000_000 + this.monotonic;
  }

  /** Time goes by. */
  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }

  /** The host's clock is set. */
  set(wall: number): void {
    this.wall = wall;
    if (this.#redisOnHost) this.#redisOffsetMs = wall - this.right;
  }

  /** As Redis answers TIME: seconds and microseconds. */
  redisTime(): [string, string] {
    return [String(Math.floor(this.redis / 1_000)), String((this.redis % 1_000) * 1_000)];
  }
}
