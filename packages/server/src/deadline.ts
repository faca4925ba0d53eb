import { formatDuration, TimedOutError } from '@spica/core';

/**
 * Resolves or rejects as `work` does, but rejects with TimedOutError DEADLINE_PASSED once `ms` milliseconds are over.
 * The work is not stopped; nobody waits for it any longer. `what` begins the message: `Redis`, `pool main`.
 */
export async function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const passed = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `${what} has not answered within ${formatDuration(ms)}`;
    passed.reject(new TimedOutError('DEADLINE_PASSED', message));
  }, ms);
  try {
    return await Promise.race([work, passed.promise]);
  } finally {
    clearTimeout(timer);
  }
}
