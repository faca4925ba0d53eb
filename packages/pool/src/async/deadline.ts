import { afterSilence, formatDuration, TimedOutError } from '@spica/core';

/**
 * Resolves or rejects as the work does, but rejects with TimedOutError DEADLINE_PASSED after `ms` milliseconds, in which
 * this process ran. The work is not stopped; nobody waits for it any longer. `what` begins the message: `Redis`, `pool main`.
 */
export async function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const message = `${what} has not answered within ${formatDuration(ms)}`;
  const late = Promise.withResolvers<never>();
  const endWaiting = afterSilence(ms, () => late.reject(new TimedOutError('DEADLINE_PASSED', message)));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    endWaiting();
  }
}
