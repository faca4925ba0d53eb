import { setTimeout } from 'node:timers/promises';

const RETRY_EVERY_MS = 5;

/**
 * Asks every few milliseconds for what another process holds for moments only, until there is an answer other than null.
 * Null when there was none for `patienceMs` milliseconds. Throws what `ask` throws.
 */
export async function retryFor<T>(
  patienceMs: number,
  ask: () => T | null | Promise<T | null>,
): Promise<T | null> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null || performance.now() >= deadline) return answer;
    await setTimeout(RETRY_EVERY_MS);
  }
}
