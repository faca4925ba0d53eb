import type { Instances } from '@spica/client';
import { throughOutage } from '@spica/queues';
import type { Journal } from './journal.ts';
import type { Ended } from './run-one.ts';

/** Which instances stay, pinned, when an experiment is over. */
export type Keep = 'never' | 'failed' | 'best' | 'always';

export interface Keeping {
  readonly keep: Keep;
  /** The best so far is held until the last run has ended, whatever is kept: the next generation descends from it. */
  readonly holdsBest: boolean;
  readonly instances: Pick<Instances, 'pin' | 'unpin'>;
  readonly journal: Journal;
}

/**
 * Pins what is to be kept and releases the rest. Before the last run has ended, of those that may still be the best none
 * is let go but the ones that are beaten. What it has decided is marked in `ended`, so that it may be called again.
 */
export async function keepChosen(
  { keep, holdsBest, instances, journal }: Keeping,
  ended: readonly Ended[],
  { isLast }: { readonly isLast: boolean },
): Promise<void> {
  const best = bestOf(ended);
  for (const each of ended) {
    const { instance: id, index, kept } = each.result;
    if (!each.isDecided) {
      if (each === best && holdsBest && !isLast) continue;
      each.isDecided = true;
      if (isKept(keep, each, best) && id !== null) {
        await throughOutage(() => instances.pin(id, `spica run --keep ${keep}`));
        each.result = { ...each.result, kept: true };
      }
      await each.release();
      if (each.result.outcome !== 'skipped') await journal.decided(index, each.result.kept);
    } else if (keep === 'best' && kept && each !== best && id !== null && isLast) {
      // The best of what had been run before this went on.
      await throughOutage(() => instances.unpin(id));
      each.result = { ...each.result, kept: false };
      await journal.decided(index, false);
    }
  }
}

function isKept(keep: Keep, each: Ended, best: Ended | null): boolean {
  switch (keep) {
    case 'never':
      return false;
    case 'always':
      return true;
    case 'failed':
      return each.result.outcome !== 'done';
    case 'best':
      return each === best;
  }
}

/** The highest score, of several the first that ended; null where none has one. */
export function bestOf(ended: readonly Ended[]): Ended | null {
  let best: Ended | null = null;
  for (const each of ended) {
    if (each.result.score === null) continue;
    if (best === null || each.result.score > (best.result.score ?? 0)) best = each;
  }
  return best;
}
