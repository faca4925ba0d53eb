import type { Clock } from '@spica/core';
import { lockDeletion, type Pool } from '@spica/pool';

/** Runs work that deletes, with the pool's claim to do so; several at once in this process share it. */
export type WithDeletionClaim = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * The claim excludes other processes (`spica prune --offline`), not this one's own prune jobs: those exclude each other
 * per instance, in the catalog. `withClaim` throws CheckError PRUNE_BUSY that names who deletes.
 */
export function createDeletionClaim(pool: Pool, clock: Clock): WithDeletionClaim {
  let users = 0;
  let held: ReturnType<typeof lockDeletion> | null = null;
  let released: Promise<void> = Promise.resolve();
  return async (work) => {
    held ??= released.then(() => lockDeletion(pool, { clock, purpose: 'spica up' }));
    const mine = held;
    users += 1;
    try {
      await mine;
      return await work();
    } finally {
      users -= 1;
      if (users === 0) {
        held = null;
        // One that could not be had has nothing to let go of; whoever asked for it got the error.
        released = mine.then(
          (claim) => claim.release(),
          () => undefined,
        );
        await released;
      }
    }
  };
}
