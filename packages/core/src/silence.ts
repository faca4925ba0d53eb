import { TimedOutError } from './errors.ts';
import { formatDuration } from './units/duration.ts';

/** Looked at so often, at most. */
const TICK_MS = 100;

/**
 * Calls `act` once this process has waited for so many milliseconds. Time in which the process itself stood still does not
 * count: it was stopped, or the machine had too much to do. Node takes in the answers that have come before each tick, and
 * before `act`. Returns what ends the waiting.
 */
export function afterSilence(ms: number, act: () => void): () => void {
  const tickMs = Math.min(ms, TICK_MS);
  let left = Math.ceil(ms / tickMs);
  let last: NodeJS.Immediate | undefined;
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    last = setImmediate(act); // timers that are due come before what has arrived
  }, tickMs);
  return () => {
    clearInterval(timer);
    clearImmediate(last);
  };
}

/**
 * Resolves or rejects as the work does, but rejects after `ms` milliseconds, in which this process ran. The work is not
 * stopped; nobody waits for it any longer. `late`: the name of who was asked (`Redis`, `pool main`), for a TimedOutError
 * DEADLINE_PASSED; or a function that makes the error.
 */
export async function withDeadline<T>(
  work: Promise<T>,
  ms: number,
  late: string | (() => Error),
): Promise<T> {
  const passed = Promise.withResolvers<never>();
  const endWaiting = afterSilence(ms, () =>
    passed.reject(typeof late === 'string' ? notAnswered(late, ms) : late()),
  );
  try {
    return await Promise.race([work, passed.promise]);
  } finally {
    endWaiting();
  }
}

function notAnswered(who: string, ms: number): TimedOutError {
  return new TimedOutError('DEADLINE_PASSED', `${who} has not answered within ${formatDuration(ms)}`);
}
