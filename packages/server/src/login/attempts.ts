import { RateLimitedError } from '../api/rate.ts';

const WINDOW_MS = 60_000;
/** Who mistypes does so a few times. */
const MOST_OF_ADDRESS = 10;
/** Whoever guesses from many addresses; and no more addresses than that are remembered. */
const MOST = 300;

/** Counts the logins that fail, by address and in all, a minute at a time. */
export interface Attempts {
  /** Throws RateLimitedError where too many have failed: also for what is right, or one could go on guessing. */
  require(address: string, now: number): void;
  fail(address: string, now: number): void;
}

/** A token has 256 random bits: this keeps guesses from being worth the calls, and out of the way of others. */
export function createAttempts(): Attempts {
  let endsAt = 0;
  let all = 0;
  const byAddress = new Map<string, number>();
  const startWindow = (now: number) => {
    if (now < endsAt) return;
    endsAt = now + WINDOW_MS;
    all = 0;
    byAddress.clear();
  };
  return {
    require(address, now) {
      startWindow(now);
      if ((byAddress.get(address) ?? 0) < MOST_OF_ADDRESS && all < MOST) return;
      const retryAfterS = Math.max(1, Math.ceil((endsAt - now) / 1_000));
      const message = `too many logins have failed: expected none for ${retryAfterS} s`;
      throw new RateLimitedError(message, retryAfterS);
    },
    fail(address, now) {
      startWindow(now);
      all += 1;
      byAddress.set(address, (byAddress.get(address) ?? 0) + 1);
    },
  };
}
