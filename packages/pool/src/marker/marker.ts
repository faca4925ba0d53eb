import { lstat, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CheckError } from '@spica/core';
import * as z from 'zod';
import { whyNotMounted } from '../image/mounted.ts';
import { readImageNote } from '../image/place.ts';
import { jsonFile } from '../json-file.ts';
import { type Pool, type PoolPaths, pathsOf, poolAt } from '../layout.ts';

const markerSchema = z.strictObject({
  schema: z.literal('spica.pool/v1'),
  id: z.uuid(),
  name: z.string().min(1),
  created_at: z.string(),
});
export type Marker = z.infer<typeof markerSchema>;
export const markerFile = jsonFile({
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
 * Opens a pool that is there. Touches nothing. Throws CheckError: POOL_ROOT_MISSING, POOL_ROOT_INVALID (no directory, or
 * a symbolic link), POOL_MARKER_MISSING (not mounted?), POOL_MARKER_INVALID, POOL_MARKER_FOREIGN (another pool's); of a pool in
 * an image what `whyNotMounted` says.
 */
export async function openPool({ name, root }: PoolPlace): Promise<Pool> {
  const paths = pathsOf(root);
  const reading = readMarker(paths); // before each spawn: at the same time
  reading.catch(() => undefined); // awaited below, if the root is as it must be
  await checkRoot(name, root);
  const marker = await reading;
  if (!marker) {
    const image = await readImageNote(root);
    if (image) throw await whyNotMounted({ name, root }, image);
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

/** Throws CheckError POOL_ROOT_MISSING or POOL_ROOT_INVALID. */
export async function checkRoot(name: string, root: string): Promise<void> {
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

/** Null where there is none. Throws CheckError POOL_MARKER_INVALID. */
export async function readMarker(paths: PoolPaths): Promise<Marker | null> {
  const own = await lstat(paths.own).catch(() => null); // what is wrong there, reading the marker says
  if (!own || own.isDirectory()) return markerFile.load(paths.marker);
  throw new CheckError('POOL_MARKER_INVALID', `${paths.own}: expected a directory, but it is none`);
}

/** Throws CheckError POOL_MARKER_FOREIGN when the marker is that of another pool. */
export function checkName(name: string, paths: PoolPaths, marker: Marker): void {
  if (marker.name === name) return;
  throw new CheckError(
    'POOL_MARKER_FOREIGN',
    `pool ${name}: ${paths.marker} is that of the pool "${marker.name}"; expected "${name}". Call it ` +
      `"${marker.name}" in the config (\`pools:\`), or rename it with \`spica init --pool ${name} --rebind\``,
  );
}
