import { CheckError, type Collected } from '@spica/core';
import { inThread } from '../threads/threads.ts';
import type { CollectInput, CollectTaskResult } from './carry-out.ts';

/** What to collect of an instance, and where to. */
export type CollectOptions = Omit<CollectInput, 'cancelled'>;

/**
 * Copies what of an instance matches to its place below `to`: whole or not at all, on the disk when this resolves, and no
 * link followed. What was collected of it there before is replaced. Links that lead out of their directory, special files
 * and what vanishes meanwhile are left out, and named in `spica-collected.json` beside the rest. Two for the same
 * place must not run at once.
 *
 * Once aborted it ends soon, and rejects with the reason when it has ended: a disk that does not answer may hold it up. Throws
 * CheckError: COLLECT_SOURCE, COLLECT_TARGET, COLLECT_TOO_LARGE, COLLECT_NO_ROOM, COLLECT_ARCHIVE, COLLECT_FAILED (what the
 * system says, in words).
 */
export async function collectInstance(options: CollectOptions, signal?: AbortSignal): Promise<Collected> {
  const cancelled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const cancel = () => Atomics.store(cancelled, 0, 1);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const result = await inThread('collect', { ...options, cancelled });
    if ('failed' in result) signal?.throwIfAborted();
    return unwrap(options.id, result);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/**
 * Tells a change of what matches from how it was when it was collected (`Collected.state`). Throws CheckError COLLECT_SOURCE,
 * COLLECT_FAILED.
 */
export async function readCollectState({
  id,
  dir,
  patterns,
}: Pick<CollectOptions, 'id' | 'dir' | 'patterns'>): Promise<string> {
  return unwrap(id, await inThread('collectState', { dir, patterns }));
}

function unwrap<T>(id: string, result: CollectTaskResult<T>): T {
  if ('done' in result) return result.done;
  const { code, message } = result.failed;
  throw new CheckError(code, message, { id });
}
