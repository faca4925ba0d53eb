import { readdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CheckError, nullIfMissing } from '@spica/core';
import { pathsOf } from '../layout.ts';
import { readMarker } from '../marker/marker.ts';
import { isThere } from '../missing.ts';

/**
 * Throws CheckError POOL_ROOT_IN_USE where something lies at a root, which the mount would cover. Notes of an image, which
 * an interrupted run may have left, are none of that.
 */
export async function refuseRoot(name: string, root: string): Promise<void> {
  const paths = pathsOf(root);
  const names = (await nullIfMissing(readdir(root))) ?? [];
  const own = names.includes('.spica') ? await readdir(paths.own) : [];
  const others = names.filter((each) => each !== '.spica');
  const isPool = names.includes('.spica') && (await readMarker(paths)) !== null;
  if (others.length === 0 && !isPool && own.every((each) => each.startsWith('image.json'))) return;
  const holds = isPool
    ? `a pool already, with ${others.length} entries; an image would cover it`
    : `${[...others, ...own].slice(0, 3).join(', ')}`;
  throw new CheckError(
    'POOL_ROOT_IN_USE',
    `pool ${name}: root: expected an empty directory for an image, but ${root} holds ${holds}`,
    { root },
  );
}

/** The topmost of the directories on the way to `path` that is not there; null where all are. */
export async function firstMissing(path: string): Promise<string | null> {
  if (await isThere(path)) return null;
  return (await firstMissing(dirname(path))) ?? path;
}

/** Takes away the directories from `path` up to `above`, which were made for nothing. */
export async function removeEmpty(path: string, above: string): Promise<void> {
  await nullIfMissing(rmdir(path));
  if (path !== above) await removeEmpty(dirname(path), above);
}
