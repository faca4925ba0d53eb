import { CheckError, type CloneMethod } from '@spica/core';
import { isThere } from '../missing.ts';
import type { Snapshot } from '../template/prepared.ts';
import { inThread } from '../threads/threads.ts';
import { copyByPrograms } from './copy-by-programs.ts';

/**
 * Makes `to`, which is not there yet, a faithful copy of a prepared snapshot: links, holes, modes, owners, times,
 * extended attributes and ACLs. Throws CheckError SNAPSHOT_GONE when that is not there, what a program or the filesystem
 * says (a part may be left), and the signal's reason.
 */
export async function copyTree(
  snapshot: Snapshot,
  to: string,
  method: CloneMethod,
  signal?: AbortSignal,
): Promise<void> {
  const from = snapshot.path;
  try {
    // What was prepared before the pool's method changed is no subvolume.
    if (method === 'snapshot' && (await inThread('snapshot', { from, to }))) return;
    await copyByPrograms(snapshot, to, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(await isThere(from))) {
      throw new CheckError('SNAPSHOT_GONE', `the prepared snapshot ${from} is gone`, { path: from }, error);
    }
    throw error;
  }
}
