import { doubtSpace } from '@spica/pool';
import type { ServedContext } from '../context.ts';

/** A second opinion costs a program's start, so it is asked for so often at most. */
const EVERY_MS = 60_000;
/** While there is a doubt, requests are held for it. */
const DOUBTED_EVERY_MS = 5_000;

/** Whether the figures of a pool's disk can be believed. */
export interface DiskDoubt {
  /** Why not, as a sentence, by the last time that they were compared; null where they can. */
  reason(): string | null;
  /**
   * Compares them if that was not done within the last minute, or within the last five seconds while there is a doubt.
   * Resolves with whether the doubt has come or gone. Throws what `doubtSpace` throws; then what was known stays. Calls
   * that come while one runs share it.
   */
  refresh(): Promise<boolean>;
}

interface DiskDoubtOptions {
  readonly dir: string;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  readonly compare?: (dir: string) => Promise<string | null>;
}

/** No doubt is known before the first `refresh`. */
export function createDiskDoubt({ dir, monotonic, compare = doubtSpace }: DiskDoubtOptions): DiskDoubt {
  let doubt: string | null = null;
  let comparedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<boolean> | null = null;

  async function compareNow(): Promise<boolean> {
    const begun = monotonic();
    const before = doubt;
    doubt = await compare(dir);
    comparedAt = begun;
    return (before === null) !== (doubt === null);
  }

  return {
    reason: () => doubt,
    async refresh() {
      if (running === null && monotonic() - comparedAt < (doubt === null ? EVERY_MS : DOUBTED_EVERY_MS))
        return false;
      running ??= compareNow().finally(() => {
        running = null;
      });
      return running;
    },
  };
}

/** Compares a pool's figures if it is time to, logs a doubt that comes or goes, and wakes held requests when it goes. */
export async function refreshDiskDoubt({
  diskDoubt,
  logger,
  gate,
}: Pick<ServedContext, 'diskDoubt' | 'logger' | 'gate'>): Promise<void> {
  if (!(await diskDoubt.refresh())) return;
  const reason = diskDoubt.reason();
  if (reason !== null) {
    logger.error({ reason }, 'the free space is not to be believed');
    return;
  }
  logger.info('df and statfs agree on the disk again');
  await gate.line.wake();
}
