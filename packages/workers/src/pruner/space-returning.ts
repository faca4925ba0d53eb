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

const verifying = new WeakMap<Pool, Set<Promise<void>>>();

/** To be called when what a deletion brought begins to be checked. Call what it returns when that is over. */
export function beginVerifying(pool: Pool): () => void {
  const under = verifying.get(pool) ?? new Set();
  verifying.set(pool, under);
  const { promise, resolve } = Promise.withResolvers<void>();
  under.add(promise);
  return () => {
    under.delete(promise);
    resolve();
  };
}

/** Whether it is not known yet what the last deletion brought: until then nothing more is deleted for its space. */
export function isVerifying(pool: Pool): boolean {
  return (verifying.get(pool)?.size ?? 0) > 0;
}

/** Resolves once that is known. */
export async function untilVerified(pool: Pool): Promise<void> {
  await Promise.all(verifying.get(pool) ?? []);
}
