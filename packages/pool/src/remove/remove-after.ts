import { SpicaError } from '@spica/core';
import { removeTree } from './remove-tree.ts';

/**
 * Removes what failed work left behind, and returns what is to be thrown: the failure itself, whose code tells what to
 * do now. Leftovers that cannot be removed do not take its place: the end of its message says which, and why. A failure
 * that is none of ours (a signal's reason) is then the cause of a plain Error that says both.
 */
export async function removeAfter(failure: unknown, path: string): Promise<unknown> {
  try {
    await removeTree(path);
    return failure;
  } catch (left) {
    const message = `${messageOf(failure)}; moreover, ${messageOf(left)}`;
    if (!(failure instanceof SpicaError)) return new Error(message, { cause: failure });
    failure.message = message;
    return failure;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
