import { CheckError } from '@spica/core';

const WINDOW_MS = 60_000;

/** Too many calls; `retryAfterS`: when there may be more, in whole seconds. */
export class RateLimitedError extends CheckError {
  readonly retryAfterS: number;

  constructor(message: string, retryAfterS: number) {
    super('RATE_LIMITED', message);
    this.retryAfterS = retryAfterS;
  }
}

/**
 * Counts the calls of each name, a minute at a time. What it returns throws RateLimitedError for one more than `max`. Names
 * are those of tokens, so there are no more of them than somebody has made.
 */
export function createRateLimit(max: number): (name: string, now: number) => void {
  const minutes = new Map<string, { endsAt: number; calls: number }>();
  return (name, now) => {
    const current = minutes.get(name);
    const minute = current && current.endsAt > now ? current : { endsAt: now + WINDOW_MS, calls: 0 };
    minutes.set(name, minute);
    minute.calls += 1;
    if (minute.calls <= max) return;
    const message = `${name}: expected at most ${max} calls in a minute (server.rate_limit)`;
    throw new RateLimitedError(message, Math.ceil((minute.endsAt - now) / 1_000));
  };
}
