import { formatDuration, TimedOutError } from '@spica/core';
import type { Asking, RequestEnd } from '../transport.ts';
import type { ApiClient } from './call.ts';
import { Backoff, isAway } from './persist.ts';

/** As long as the API waits in one call. */
const MOST_WAIT_S = 60;
const MOST_ANSWER_MS = 90_000;

/** Waits for a request's end, through restarts of the server and of Redis. Throws what `Transport.wait` throws. */
export async function waitForEnd(
  client: ApiClient,
  { id, path, query }: { readonly id: string; readonly path: string; readonly query: URLSearchParams },
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<RequestEnd> {
  const over = AbortSignal.timeout(timeoutMs);
  const until = performance.now() + timeoutMs;
  const backoff = new Backoff();
  const signals = signal ? AbortSignal.any([signal, over]) : over;
  for (;;) {
    try {
      const seconds = Math.min(MOST_WAIT_S, Math.max(1, Math.ceil((until - performance.now()) / 1_000)));
      const headers = { prefer: `wait=${seconds}` };
      return await client.call({ path, query, headers, signal: signals, answerMs: MOST_ANSWER_MS });
    } catch (error) {
      signal?.throwIfAborted();
      if (over.aborted) {
        const message = `request ${id} has not ended after ${formatDuration(timeoutMs)}; it goes on`;
        throw new TimedOutError('WAIT_TIMED_OUT', message);
      }
      const isWaiting = error instanceof TimedOutError && error.code === 'WAIT_TIMED_OUT';
      if (isWaiting) backoff.came();
      else if (!isAway(error) || client.isClosed) throw error;
      else await backoff.pause(signals).catch(() => undefined); // whose end the next round finds
    }
  }
}

/**
 * Runs a call for as long as it may take. Throws TimedOutError WAIT_TIMED_OUT (what was asked for may go on), and the
 * signal's reason.
 */
export async function within<T>(
  { timeoutMs, signal }: Asking,
  pool: string,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return work(signal);
  const over = AbortSignal.timeout(timeoutMs);
  try {
    return await work(signal ? AbortSignal.any([signal, over]) : over);
  } catch (error) {
    if (!over.aborted || signal?.aborted) throw error;
    const waited = formatDuration(timeoutMs);
    throw new TimedOutError('WAIT_TIMED_OUT', `the worker of pool ${pool} has not answered within ${waited}`);
  }
}
