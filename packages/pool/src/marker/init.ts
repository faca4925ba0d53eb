import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { type Clock, UsageError } from '@spica/core';
import { withFileLock } from '../claim/file-lock.ts';
import { type Pool, type PoolPaths, pathsOf, poolAt } from '../layout.ts';
import { makeDirectory } from '../make-directory.ts';
import { writeFileWhole } from '../write-whole.ts';
import { checkName, checkRoot, type Marker, type PoolPlace, readMarker } from './marker.ts';

/**
 * Creates a pool's root and marker. Safe to run again. Throws UsageError POOL_ROOT_INVALID, CheckError
 * POOL_MARKER_FOREIGN or POOL_MARKER_INVALID when another pool is there.
 */
export async function initPool({ name, root, clock }: PoolPlace & { clock: Clock }): Promise<Pool> {
  if (dirname(root) === root) {
    throw new UsageError(
      'POOL_ROOT_INVALID',
      `pool ${name}: root: expected a directory of its own, got "${root}"`,
    );
  }
  await makeDirectory(root).catch((error: NodeJS.ErrnoException) => {
    // What is in the way is no directory, or a link to nowhere: checkRoot says what is there.
    if (!['EEXIST', 'ENOTDIR', 'ENOENT'].includes(error.code ?? '')) throw error;
  });
  await checkRoot(name, root);
  const paths = pathsOf(root);
  const there = await readMarker(name, paths);
  if (there) checkName(name, paths, there);
  for (const dir of [paths.own, paths.templates, paths.staging, paths.trash, paths.records]) {
    await makeDirectory(dir);
  }
  const { id } = there ?? (await withFileLock(`${paths.marker}.lock`, () => mark(name, paths, clock)));
  return poolAt(name, id, root);
}

/** Writes the marker, unless another process has been faster. */
async function mark(name: string, paths: PoolPaths, clock: Clock): Promise<Marker> {
  const there = await readMarker(name, paths);
  if (there) {
    checkName(name, paths, there);
    return there;
  }
  const marker = newMarker(name, clock.now());
  await writeFileWhole(paths.marker, `${JSON.stringify(marker, null, 2)}\n`, { sync: true });
  return marker;
}

function newMarker(name: string, now: number): Marker {
  return { schema: 'spica.pool/v1', id: randomUUID(), name, created_at: new Date(now).toISOString() };
}
