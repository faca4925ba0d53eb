import { formatDuration, TimedOutError } from '@spica/core';
import pTimeout from 'p-timeout';

/**
 * Resolves or rejects as the work does, but rejects with TimedOutError DEADLINE_PASSED after `ms` milliseconds. The work
 * is not stopped; nobody waits for it any longer. `what` begins the message: `Redis`, `pool main`.
 */
export function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const message = `${what} has not answered within ${formatDuration(ms)}`;
  return pTimeout(work, { milliseconds: ms, message: new TimedOutError('DEADLINE_PASSED', message) });
}
