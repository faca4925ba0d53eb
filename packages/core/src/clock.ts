/** The one clock. Everything that needs the time is handed one, so that tests can turn it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

/** The host's clock, for the places where programs are put together (CLI, runtime, demo, benchmarks). */
export const systemClock: Clock = { now: () => Date.now() };
