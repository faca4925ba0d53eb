import { CheckError } from '@spica/core';
import { canAsk, confirm } from '../input/confirm.ts';
import type { Io } from '../io.ts';

/** How many instances a prune would delete, and how many it would leave; `unknown` says why nobody can tell. */
export type PruneEffect = { readonly deletes: number; readonly kept: number } | { readonly unknown: string };

/**
 * On a terminal, asks before a prune that would leave nothing, or of which that is not known; `yes` has answered
 * already. Throws CheckError NOT_CONFIRMED: then nothing was touched.
 */
export async function askIfNothingStays(
  io: Pick<Io, 'stdin' | 'stderr'>,
  { yes, effect }: { readonly yes: boolean; readonly effect: () => Promise<PruneEffect> },
): Promise<void> {
  if (yes || !canAsk(io)) return;
  const question = questionOf(await effect());
  if (question === null || (await confirm(io, question))) return;
  throw new CheckError('NOT_CONFIRMED', 'nothing was pruned: it was not confirmed (--yes does so)');
}

function questionOf(effect: PruneEffect): string | null {
  if ('unknown' in effect) {
    return `it is not known here what this would leave (${effect.unknown}); prune all the same?`;
  }
  const { deletes, kept } = effect;
  if (deletes === 0 || kept > 0) return null;
  return `this deletes ${deletes === 1 ? 'the only instance' : `all ${deletes} instances`} and leaves none; go on?`;
}
