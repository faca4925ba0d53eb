import { RefusedError } from '@spica/core';
import { isThere } from '../missing.ts';
import { findChanges } from '../template/rsync.ts';
import { copyByPrograms } from './copy-by-programs.ts';
import { outOf } from './full-disk.ts';

/** So often a copy is compared with its source, and what differs is copied anew. */
const PASSES = 5;
const MOST_NAMED = 3;

/**
 * Makes `to`, which is not there yet, a faithful copy of a directory that others may be writing to, as it was at one
 * moment: once all of it was copied, all of it is compared, contents too, and what differs is copied anew, until nothing
 * differs. What is mounted in it is left out. Throws RefusedError FORK_CHANGING where it changed during each comparison,
 * FORK_SOURCE_GONE, what a program or the filesystem says (a part may be left), and the signal's reason.
 */
export async function copyLive(from: string, to: string, signal?: AbortSignal): Promise<void> {
  try {
    await copyByPrograms({ path: from, division: null }, to, signal, ['--one-file-system']);
  } catch (error) {
    signal?.throwIfAborted();
    if (outOf(error)) throw error;
    // What vanished while it was copied is no failure: the first comparison says what is amiss.
  }
  let changes: readonly string[] = [];
  for (let pass = 0; pass < PASSES; pass += 1) {
    if (!(await isThere(from))) throw new RefusedError('FORK_SOURCE_GONE', `from: ${from} is gone`);
    changes = await findChanges(from, to, signal);
    if (changes.length === 0) return;
  }
  const named = changes.slice(0, MOST_NAMED).join(', ') + (changes.length > MOST_NAMED ? ' …' : '');
  throw new RefusedError(
    'FORK_CHANGING',
    `from: ${from} changed each of the ${PASSES} times that a copy of it was compared with it (${named}): pause what ` +
      'writes to it, or fork it in an image pool, where a clone is a snapshot',
    { path: from },
  );
}
