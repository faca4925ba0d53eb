import { setTimeout as sleep } from 'node:timers/promises';
import { UnreachableError } from '@spica/core';

const FIRST_MS = 100;
/** As the server's `retry` of its event streams. */
const MOST_MS = 2_000;

/** How long to pause before the next try: longer each time, until one has come through. */
export class Backoff {
  #nextMs = FIRST_MS;

  came(): void {
    this.#nextMs = FIRST_MS;
  }

  /** Throws the signal's reason. */
  async pause(signal?: AbortSignal): Promise<void> {
    const ms = this.#nextMs * (0.75 + 0.5 * Math.random()); // not all clients of a server at once
    this.#nextMs = Math.min(this.#nextMs * 2, MOST_MS);
    await sleep(ms, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

/** Whether whatever lies between may be back at the next try. */
export function isAway(error: unknown): boolean {
  return error instanceof UnreachableError;
}
