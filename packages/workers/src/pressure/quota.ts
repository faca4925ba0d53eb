import type { Clock } from '@spica/core';

/** A quota may have been raised, or have room again, after this: then it is tried again. */
const REMEMBERED_MS = 60_000;

/** What is known of a disk quota, which nothing tells before a write has met it. */
export interface Quota {
  /** A write was refused for a quota when the pool took so many bytes. */
  meet(takenBytes: number): void;
  /** How many bytes the pool took when a write last met a quota; null where none did lately. */
  metAt(): number | null;
}

export function createQuota(clock: Clock): Quota {
  let met: { readonly bytes: number; readonly at: number } | null = null;
  return {
    meet(bytes) {
      met = { bytes, at: clock.now() };
    },
    metAt() {
      // Also when the clock was set back since: nobody knows how long ago it was.
      if (met && Math.abs(clock.now() - met.at) >= REMEMBERED_MS) met = null;
      return met?.bytes ?? null;
    },
  };
}
