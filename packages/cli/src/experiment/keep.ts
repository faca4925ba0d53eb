import type { Ended } from './run-one.ts';

/** Which instances stay, pinned, when an experiment is over. */
export type Keep = 'never' | 'failed' | 'best' | 'always';

/**
 * Pins what is to be kept and releases the rest. Before the last run has ended, of those that may still be the best none
 * is let go but the ones that are beaten. What it has decided is marked in `ended`, so that it may be called again.
 */
export async function keepChosen(
  keep: Keep,
  ended: Ended[],
  { isLast }: { readonly isLast: boolean },
): Promise<void> {
  const best = keep === 'best' ? bestOf(ended) : null;
  const open = ended.filter(({ isDecided }) => !isDecided);
  for (const each of open) {
    if (each === best && !isLast) continue;
    each.isDecided = true;
    if (isKept(keep, each, best) && each.instance) {
      await each.instance.pin(`spica run --keep ${keep}`);
      each.result = { ...each.result, kept: true };
    }
    await each.release();
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
function bestOf(ended: readonly Ended[]): Ended | null {
  let best: Ended | null = null;
  for (const each of ended) {
    if (each.result.score === null) continue;
    if (best === null || each.result.score > (best.result.score ?? 0)) best = each;
  }
  return best;
}
