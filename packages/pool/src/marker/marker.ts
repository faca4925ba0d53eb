import { randomUUID } from 'node:crypto';
import { lstat, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CheckError, type Clock, UsageError } from '@spica/core';
import * as z from 'zod';
import { withFileLock } from '../claim/file-lock.ts';
import { jsonFile } from '../json-file.ts';
import { type Pool, type PoolPaths, pathsOf, poolAt } from '../layout.ts';
import { makeDirectory } from '../make-directory.ts';
import { setPoolModes } from '../modes.ts';

const markerSchema = z.strictObject({
  schema: z.literal('spica.pool/v1'),
  id: z.uuid(),
  name: z.string().min(1),
  created_at: z.string(),
});
type Marker = z.infer<typeof markerSchema>;
const markerFile = jsonFile({
  schema: markerSchema,
  code: 'POOL_MARKER_INVALID',
  is: "a pool's marker",
  sync: true,
});

export interface PoolPlace {
  readonly name: string;
  /** Absolute. */
  readonly root: string;
}

/**
 * Creates a pool's root and marker, with their modes (`setPoolModes`). Safe to run again. Throws UsageError POOL_ROOT_INVALID, CheckError
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
  const there = await readMarker(paths);
  if (there) checkName(name, paths, there);
  for (const dir of [paths.own, paths.templates, paths.staging, paths.trash, paths.records]) {
    await makeDirectory(dir);
  }
  const { id } = there ?? (await withFileLock(`${paths.marker}.lock`, () => mark(name, paths, clock)));
  await setPoolModes(paths);
  return poolAt(name, id, root);
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

/**
 * Opens a pool that is there. Touches nothing. Throws CheckError: POOL_ROOT_MISSING, POOL_ROOT_INVALID (no directory, or
 * a symbolic link), POOL_MARKER_MISSING (not mounted?), POOL_MARKER_INVALID, POOL_MARKER_FOREIGN (another pool's).
 */
export async function openPool({ name, root }: PoolPlace): Promise<Pool> {
  const paths = pathsOf(root);
  const reading = readMarker(paths); // before each spawn: at the same time
  reading.catch(() => undefined); // told below, if the root is as it must be
  await checkRoot(name, root);
  const marker = await reading;
  if (!marker) {
    throw new CheckError(
      'POOL_MARKER_MISSING',
      `pool ${name}: ${paths.marker} is missing: either ${root} is not mounted, or \`spica init\` has not been run there`,
    );
  }
  checkName(name, paths, marker);
  return poolAt(name, marker.id, root);
}

/** Before each operation that changes a pool: is it still that pool? Throws what `openPool` throws. */
export async function checkMarker(pool: Pool): Promise<void> {
  const { id } = await openPool({ name: pool.name, root: pool.paths.root });
  if (id === pool.id) return;
  throw new CheckError(
    'POOL_MARKER_FOREIGN',
    `pool ${pool.name}: ${pool.paths.marker} carries the id ${id}, expected ${pool.id}: another disk is mounted there`,
  );
}

async function checkRoot(name: string, root: string): Promise<void> {
  // With a slash at its end the path of a symbolic link would be that of its target.
  const stat = await lstat(resolve(root)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new CheckError('POOL_ROOT_MISSING', `pool ${name}: root: there is no ${root} (run \`spica init\`)`);
  });
  if (stat.isDirectory()) return;
  const is = stat.isSymbolicLink()
    ? `a symbolic link (to ${await realpath(root).catch(() => 'nowhere')})`
    : 'no directory';
  throw new CheckError('POOL_ROOT_INVALID', `pool ${name}: root: expected a directory, but ${root} is ${is}`);
}

async function readMarker(paths: PoolPaths): Promise<Marker | null> {
  const own = await lstat(paths.own).catch(() => null); // what is wrong there, reading the marker says
  if (!own || own.isDirectory()) return markerFile.load(paths.marker);
  throw new CheckError('POOL_MARKER_INVALID', `${paths.own}: expected a directory, but it is none`);
}

function checkName(name: string, paths: PoolPaths, marker: Marker): void {
  if (marker.name === name) return;
  throw new CheckError(
    'POOL_MARKER_FOREIGN',
    `pool ${name}: ${paths.marker} is that of the pool "${marker.name}"; expected "${name}"`,
  );
}

function newMarker(name: string, now: number): Marker {
  return { schema: 'spica.pool/v1', id: randomUUID(), name, created_at: new Date(now).toISOString() };
}
