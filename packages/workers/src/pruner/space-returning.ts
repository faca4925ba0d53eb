import type { Pool } from '@spica/pool';

/** Some filesystems free space a moment after a deletion (delayed work of xfs, btrfs transactions). */
export const WAITS_MS = [200, 800, 2_000];
const RETURNED_MS = WAITS_MS.reduce((sum, ms) => sum + ms);

const lastFreed = new WeakMap<Pool, number>();

/** To be called when space was freed. */
export function noteFreed(pool: Pool): void {
  lastFreed.set(pool, performance.now());
}

/** Whether what this process freed in a pool may still be on its way back: no reading of the disk shows it yet. */
export function isSpaceReturning(pool: Pool): boolean {
  const at = lastFreed.get(pool);
  return at !== undefined && performance.now() - at < RETURNED_MS;
}
