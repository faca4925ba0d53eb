import { type HostTrouble, SpicaError } from '@spica/core';
import { checkMarker, type Pool, singleFlight, whyUnwritable } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/** Whether a pool's disk takes writes, as it was last tried. */
export interface DiskWrites {
  /** Why it does not, as a sentence; null where it does, or was not tried yet. */
  problem(): string | null;
  /** Tries it, unless another disk is there by now, and resolves with `problem`. Calls that come while one runs share it: a disk may hang. */
  check(): Promise<string | null>;
}

export function createDiskWrites(
  pool: Pool,
  tryWrite: (pool: Pick<Pool, 'paths'>) => Promise<string | null> = whyUnwritable,
): DiskWrites {
  let problem: string | null = null;
  return {
    problem: () => problem,
    check: singleFlight(async () => {
      problem = (await mayBeOurs(pool)) ? await tryWrite(pool) : null;
      return problem;
    }),
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
