import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { type Clock, UsageError } from '@spica/core';
import { withFileLock } from '../claim/file-lock.ts';
import { lockPool } from '../claim/pool.ts';
import { type Pool, type PoolPaths, pathsOf, poolAt } from '../layout.ts';
import { makeDirectory } from '../make-directory.ts';
import { setPoolModes } from '../modes.ts';
import { checkName, checkRoot, type Marker, markerFile, type PoolPlace, readMarker } from './marker.ts';
import { shieldRoot } from './shield.ts';

/**
 * Creates a pool's root and marker, with their modes (`setPoolModes`), and what keeps others out (`shieldRoot`). Safe to run
 * again. Throws UsageError
 * POOL_ROOT_INVALID, CheckError POOL_MARKER_FOREIGN or POOL_MARKER_INVALID when another pool is there.
 *
 * @param rename Whether a pool that is there under another name gets this one. Throws CheckError POOL_SERVED while a
 *   process serves it.
 */
export async function initPool({
  name,
  root,
  clock,
  rename = false,
}: PoolPlace & { readonly clock: Clock; readonly rename?: boolean }): Promise<Pool> {
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
  const there = await readMarker(paths);
  if (there && rename && there.name !== name) await giveName(name, poolAt(there.name, there.id, root), clock);
  else if (there) checkName(name, paths, there);
  const { own, templates, staging, trash, records, setUps } = paths;
  for (const dir of [own, templates, staging, trash, records, setUps]) await makeDirectory(dir);
  const { id } = there ?? (await withFileLock(`${paths.marker}.lock`, () => mark(name, paths, clock)));
  await shieldRoot(paths);
  await setPoolModes(paths);
  return poolAt(name, id, root);
}

async function giveName(name: string, pool: Pool, clock: Clock): Promise<void> {
  const lock = await lockPool(pool, { clock });
  try {
    const marker = await readMarker(pool.paths);
    if (marker) await markerFile.save(pool.paths.marker, { ...marker, name });
  } finally {
    await lock.release();
  }
}

/** Writes the marker, unless another process has been faster. */
async function mark(name: string, paths: PoolPaths, clock: Clock): Promise<Marker> {
  const there = await readMarker(paths);
  if (there) {
    checkName(name, paths, there);
    return there;
  }
  const marker = newMarker(name, clock.now());
  await markerFile.save(paths.marker, marker);
  return marker;
}

function newMarker(name: string, now: number): Marker {
  return { schema: 'spica.pool/v1', id: randomUUID(), name, created_at: new Date(now).toISOString() };
}
