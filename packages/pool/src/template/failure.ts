import { CheckError, SpicaError } from '@spica/core';
import { asNoSpace } from '../clone/full-disk.ts';
import { ChangingError } from './rsync.ts';
import { refuse, type Source } from './source.ts';
import { UnreadableError, VanishedError } from './walk.ts';

/** rsync could not read a part of the template, rather than write it. */
const CLOSED = /rsync: \[sender\].*Permission denied/;

/** Whether a template changed while it was read: trying again may succeed. */
export function isChanging(error: unknown): error is Error {
  return error instanceof ChangingError || error instanceof VanishedError;
}

/**
 * The error for users of a failure while a template was read or copied to `dir`: RefusedError TEMPLATE_UNREADABLE,
 * CheckError NO_SPACE or TEMPLATE_COPY_FAILED. What is a SpicaError already, or `isChanging`, stays as it is.
 */
export async function explainFailure(error: unknown, { name }: Source, dir: string): Promise<unknown> {
  if (error instanceof SpicaError || isChanging(error)) return error;
  if (error instanceof UnreadableError || CLOSED.test(String(error))) {
    const reason = error instanceof UnreadableError ? error.message : firstComplaint(error);
    return refuse(name, 'TEMPLATE_UNREADABLE', `a part of it cannot be read: ${reason}`, error);
  }
  const what = `template ${name}: no snapshot of it could be made`;
  const noSpace = await asNoSpace(error, dir, what);
  return noSpace ?? new CheckError('TEMPLATE_COPY_FAILED', `${what}: ${firstComplaint(error)}`, {}, error);
}

function firstComplaint(error: unknown): string {
  const lines = String(error instanceof Error ? error.message : error).split('\n');
  return lines.find((line) => line.startsWith('rsync: ')) ?? lines[0] ?? '';
}
