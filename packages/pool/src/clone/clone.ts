import { rename } from 'node:fs/promises';
import { CheckError, type CloneMethod, messageOf, type Param, SpicaError } from '@spica/core';
import type { ChargeTerms } from '../image/charge.ts';
import type { Pool } from '../layout.ts';
import { readManifest } from '../manifest/manifest.ts';
import type { Lineage, Manifest } from '../manifest/schema.ts';
import { isThere } from '../missing.ts';
import { removeAfter } from '../remove/remove-after.ts';
import { removeTree } from '../remove/remove-tree.ts';
import type { Snapshot } from '../template/prepared.ts';
import { inThread } from '../threads/threads.ts';
import { copyTree } from './copy.ts';
import { copyLive } from './copy-live.ts';
import { asNoSpace } from './full-disk.ts';
import { writeOwnFiles } from './own-files.ts';
import { stagingPath } from './staging.ts';

/** What a rename says when something lies where it should lead. */
const TAKEN = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'];

export interface CloneOptions {
  readonly pool: Pool;
  readonly prepared: Snapshot;
  /** What is cloned is an instance that may be written to meanwhile, and no snapshot. */
  readonly isLive: boolean;
  /** How this pool clones (`probeCloneMethod`). */
  readonly method: CloneMethod;
  readonly id: string;
  readonly manifest: Manifest;
  readonly lineage: Lineage;
  /** Where the kernel charges instances for what they write: on which terms; null elsewhere. */
  readonly charge: ChargeTerms | null;
  /** Validated (`validateParams`). */
  readonly params: Readonly<Record<string, Param>>;
  readonly signal?: AbortSignal;
}

/**
 * Brings an instance up: a clone of the prepared snapshot in the staging directory, its own files, and only then a
 * rename to where it is seen. Safe to run again after a crash: where the instance is there already, it is left as it is.
 * On failure nothing is left behind, or the message ends with what is. Throws CheckError: NO_SPACE (in plain words),
 * SNAPSHOT_GONE, FORK_*, INSTANCE_EXISTS (something else lies there), ENV_FILE_INVALID, CLONE_FAILED; or the signal's reason.
 */
export async function cloneInstance(options: CloneOptions): Promise<void> {
  const { pool, prepared, method, id, signal } = options;
  signal?.throwIfAborted();
  if (await isSpawned(pool, id)) return;
  const staged = stagingPath(pool, id);
  let isOurs: boolean;
  try {
    if (options.isLive && method !== 'snapshot') await copyLive(prepared.path, staged, signal);
    else await copyTree(prepared, staged, method, signal);
    if (options.charge) await inThread('charge', { path: staged, id, terms: options.charge });
    await writeOwnFiles(staged, options);
    signal?.throwIfAborted();
    isOurs = await moveIntoPlace(pool, id, staged);
  } catch (error) {
    // Before the leftovers go: afterwards there is room again.
    const failure = await explain(error, options);
    throw await removeAfter(failure, staged);
  }
  if (!isOurs) await removeTree(staged);
}

/** False when another run of the same job was faster. */
async function moveIntoPlace(pool: Pool, id: string, staged: string): Promise<boolean> {
  if (await isSpawned(pool, id)) return false;
  try {
    await rename(staged, pool.pathOf(id));
    return true;
  } catch (error) {
    if (TAKEN.includes((error as NodeJS.ErrnoException).code ?? '') && (await isSpawned(pool, id)))
      return false;
    throw error;
  }
}

async function explain(error: unknown, { pool, id, signal }: CloneOptions): Promise<unknown> {
  if (error instanceof SpicaError || signal?.aborted) return error;
  const what = `instance ${id}: it could not be cloned`;
  const noSpace = await asNoSpace(error, pool.paths.staging, what);
  return noSpace ?? new CheckError('CLONE_FAILED', `${what}: ${messageOf(error)}`, { id }, error);
}

/**
 * Whether the instance is there already. A rename would replace an empty directory, so it has to be asked. Throws
 * CheckError INSTANCE_EXISTS when something else lies under its name.
 */
async function isSpawned(pool: Pool, id: string): Promise<boolean> {
  const path = pool.pathOf(id);
  if (!(await isThere(path))) return false;
  const manifest = await readManifest(pool, id).catch((error: unknown) => {
    if (error instanceof CheckError) return null;
    throw error;
  });
  if (manifest?.spica_id === id) return true;
  throw new CheckError(
    'INSTANCE_EXISTS',
    `instance ${id}: ${path} is there already, and is not this instance (no manifest of it)`,
    { id, path },
  );
}
