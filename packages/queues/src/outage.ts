import { setTimeout as sleep } from 'node:timers/promises';
import { UnreachableError } from '@spica/core';

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 2_000;
/** An experiment outlives a restart, and an operator who sees to it; not a Redis that is gone for good. */
const PATIENCE_MS = 600_000;

export interface Patience {
  /** Told once, when it is away. */
  readonly onAway?: (why: string) => void;
  /** Once it is aborted nothing is tried again. */
  readonly signal?: AbortSignal;
}

/**
 * Does what may be done twice, again and again while Redis or the server is away, for ten minutes; then it throws
 * UnreachableError. All else is thrown at once.
 */
export async function throughOutage<T>(work: () => Promise<T>, options: Patience = {}): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const isAway = error instanceof UnreachableError;
      if (!isAway || options.signal?.aborted || performance.now() >= deadline) throw error;
      if (attempt === 0) options.onAway?.(error.message);
      await sleep(Math.min(FIRST_WAIT_MS * 2 ** attempt, MOST_WAIT_MS));
    }
  }
}
