import { effect, signal } from '@preact/signals';
import { get } from '../api/call.ts';
import { session } from '../api/session.ts';
import type { PoolView } from '../api/views.ts';
import { poolName } from '../router/router.ts';
import { followPool, type Live } from './live.ts';
import { readStream } from './stream.ts';

/** How long an answer may take before the server counts as away. */
const POLL_MS = 8_000;

/** Whether somebody looks at the page. */
export const isVisible = signal(!document.hidden);
document.addEventListener('visibilitychange', () => {
  isVisible.value = !document.hidden;
});

/** The pool that the page is about, as it changes; null until somebody has logged in. */
export const live = signal<Live | null>(null);

/** Follows the pool that the URL names, for as long as somebody is logged in. */
export function startFollowing(): void {
  effect(() => {
    const name = poolName.value;
    if (session.value?.caller == null || name === null) return;
    const current = followPool(name, {
      readStream,
      readPool: (pool, ending) =>
        get<PoolView>(`/v1/pools/${encodeURIComponent(pool)}`, {
          signal: AbortSignal.any([ending, AbortSignal.timeout(POLL_MS)]),
        }),
      isVisible,
      now: Date.now,
      sleep,
    });
    live.value = current;
    return () => {
      current.stop();
      live.value = null;
    };
  });
}

function sleep(ms: number, ending: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  ending.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}
