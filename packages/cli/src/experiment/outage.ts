import { setTimeout as sleep } from 'node:timers/promises';
import { UnreachableError } from '@spica/core';
import { toUnreachable } from '../context/redis.ts';

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 2_000;
/** An experiment outlives a restart, and an operator who sees to it; not a Redis that is gone for good. */
const PATIENCE_MS = 600_000;

export interface Patience {
  /** Told once, when it is away. */
  readonly onAway?: (why: string) => void;
  /** Once it is aborted nothing is tried again. */
  readonly signal?: AbortSignal;
  readonly patienceMs?: number;
}

/**
 * Does what may be done twice, again and again while Redis or the server is away, for ten minutes; then it throws
 * UnreachableError. All else is thrown at once.
 */
export async function throughOutage<T>(work: () => Promise<T>, options: Patience = {}): Promise<T> {
  const deadline = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const away = awayBy(error);
      if (!away || options.signal?.aborted || performance.now() >= deadline) throw away ?? error;
      if (attempt === 0) options.onAway?.(away.message);
      await sleep(Math.min(FIRST_WAIT_MS * 2 ** attempt, MOST_WAIT_MS));
    }
  }
}

/** Why it is out of reach for now; null for any other error. */
function awayBy(error: unknown): UnreachableError | null {
  return error instanceof UnreachableError ? error : toUnreachable(error, 'Redis');
}
