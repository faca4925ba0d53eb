import { CheckError } from '@spica/core';
import { canAsk, confirm } from '../input/confirm.ts';
import type { Io } from '../io.ts';

/** How many instances a prune would delete, and how many it would leave; `unknown` says why nobody can tell. */
export type Outlook = { readonly deletes: number; readonly kept: number } | { readonly unknown: string };

/**
 * On a terminal, asks before a prune that would leave nothing, or of which that cannot be told; `yes` has answered
 * already. Throws CheckError NOT_CONFIRMED: then nothing was touched.
 */
export async function askIfNothingStays(
  io: Pick<Io, 'stdin' | 'stderr'>,
  { yes, outlook }: { readonly yes: boolean; readonly outlook: () => Promise<Outlook> },
): Promise<void> {
  if (yes || !canAsk(io)) return;
  const question = questionOf(await outlook());
  if (question === null || (await confirm(io, question))) return;
  throw new CheckError('NOT_CONFIRMED', 'nothing was pruned: it was not confirmed (--yes does so)');
}

function questionOf(outlook: Outlook): string | null {
  if ('unknown' in outlook) {
    return `it cannot be told here what this would leave (${outlook.unknown}); prune all the same?`;
  }
  const { deletes, kept } = outlook;
  if (deletes === 0 || kept > 0) return null;
  return `this deletes ${deletes === 1 ? 'the only instance' : `all ${deletes} instances`} and leaves none; go on?`;
}
