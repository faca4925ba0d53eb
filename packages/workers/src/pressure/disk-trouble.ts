import { type HostTrouble, messageOf, SpicaError, TimedOutError, withDeadline } from '@spica/core';
import { checkMarker, type Pool, singleFlight, whyUnwritable } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/** A disk under load may take its time to write; one that hangs never answers. */
export const DISK_MS = 30_000;

/** Whether a pool's disk takes writes, as it was last tried. */
export interface DiskWrites {
  /** Why it does not, as a sentence; null where it does, or was not tried yet. */
  problem(): string | null;
  /**
   * Tries it, unless another disk is there by now, and resolves with `problem`: within 30 s, as a disk may hang, which then
   * is the problem. Calls that come while one runs share it.
   */
  check(): Promise<string | null>;
}

export function createDiskWrites(
  pool: Pool,
  tryWrite: (pool: Pick<Pool, 'paths'>) => Promise<string | null> = whyUnwritable,
  deadlineMs = DISK_MS,
): DiskWrites {
  let problem: string | null = null;
  const tryOnce = singleFlight(async () => {
    problem = (await mayBeOurs(pool)) ? await tryWrite(pool) : null; // also where nobody waits for it any more
    return problem;
  });
  return {
    problem: () => problem,
    async check() {
      try {
        return await withDeadline(tryOnce(), deadlineMs, `the disk of ${pool.paths.root}`);
      } catch (error) {
        if (!(error instanceof TimedOutError)) throw error;
        problem = messageOf(error);
        return problem;
      }
    },
  };
}

/** Whether the pool is in its place, or its disk answers nothing: on another one nothing is to be written. */
async function mayBeOurs(pool: Pool): Promise<boolean> {
  try {
    await checkMarker(pool);
    return true;
  } catch (error) {
    const cause = error instanceof SpicaError ? error.cause : error;
    return cause instanceof Error && 'errno' in cause;
  }
}

/** What is wrong with a pool's disk, by what was last seen of it: as long as it is, nothing is decided. Null for nothing. */
export function troubleOf({
  diskWrites,
  diskDoubt,
}: Pick<PoolContext, 'diskWrites' | 'diskDoubt'>): HostTrouble | null {
  const unwritable = diskWrites.problem();
  if (unwritable !== null) return { code: 'DISK_UNWRITABLE', reason: unwritable };
  const doubt = diskDoubt.reason();
  return doubt === null ? null : { code: 'DISK_DOUBTED', reason: doubt };
}
