import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@spica/core';

/**
 * Two changes of one file within this time may carry the same change time. Linux stamps by its timer, which ticks every
 * 10 ms at the slowest (CONFIG_HZ=100); five times that leaves room for clocks read a moment apart.
 */
const GRAIN_MS = 50;
/** The same on filesystems that keep whole seconds, or two of them. */
const COARSE_GRAIN_MS = 2_000;

/**
 * As git does with its index: what changed a moment ago may change again without its change time telling. So a copy, or
 * a comparison, begins only when all that the fingerprint saw is old enough for any later change to show. False where a
 * change time lies in the future, which waiting would not mend.
 */
export async function waitUntilOld(newestAt: number, clock: Clock, signal?: AbortSignal): Promise<boolean> {
  const grainMs = newestAt % 1000 === 0 ? COARSE_GRAIN_MS : GRAIN_MS;
  await sleep(grainMs, undefined, signal ? { signal } : {});
  return newestAt + grainMs <= clock.now();
}
