import { CheckError, failAgain } from '@spica/core';
import { outOf } from '@spica/pool';
import { failureText } from './message.ts';
import type { Wanted } from './removal.ts';
import type { DeletionContext } from './remove.ts';

/** What the host has against deleting, and not this instance alone. */
const OF_THE_HOST = ['EROFS', 'EIO', 'ENOMEM', 'EMFILE'];

/**
 * Has plans leave an instance out for a while that could not be taken out of sight: they would count on it again and
 * again. Resolves with whether they do; not where the host is what fails, as it would with the next one.
 */
export async function noteUndeletable(
  { inventory, clockGuard }: DeletionContext,
  { removal, failure: before }: Wanted,
  error: unknown,
): Promise<boolean> {
  if (!(error instanceof CheckError)) return false;
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (outOf(error) !== null || outOf(error.cause) !== null || OF_THE_HOST.includes(code)) return false;
  const { failure } = failAgain(before, failureText(error), clockGuard.now());
  return inventory.noteFailure(removal.id, failure);
}
