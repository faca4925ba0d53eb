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
