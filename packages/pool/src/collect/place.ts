import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CheckError } from '@spica/core';

/** Where results go, and where they are made until they are whole. All of them lie in one directory. */
export interface Place {
  /** The directory or archive. */
  readonly target: string;
  /** The directory that is filled. */
  readonly staging: string;
  /** The archive, as long as it is not whole. */
  readonly archive: string;
  /** What was there before, until what takes its place is there. */
  readonly old: string;
}

interface PlaceOptions {
  readonly to: string;
  /** The results go to a path of these parts below `to`. */
  readonly parts: readonly string[];
  /** The directory of instances that they come from: a real path. */
  readonly pool: string;
  readonly suffix: string;
}

/**
 * Makes the directory for results and takes away what an interrupted collection has left there. `to` must be there: one that
 * is not may be a disk that is not mounted. Throws CheckError COLLECT_TARGET, and what the filesystem says.
 */
export function preparePlace({ to, parts, pool, suffix }: PlaceOptions): Place {
  if (!statSync(to, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CheckError('COLLECT_TARGET', `${to} is no directory (collect_to): make it, or mount its disk`);
  }
  const path = join(realpathSync(to), ...parts);
  requireOutside(dirname(path), pool); // before anything is made there
  mkdirSync(dirname(path), { recursive: true });
  const [dir, name] = [realpathSync(dirname(path)), basename(path)];
  requireOutside(dir, pool); // where links lead to
  const place = {
    target: join(dir, `${name}${suffix}`),
    staging: join(dir, `.${name}.part`),
    archive: join(dir, `.${name}${suffix}.part`),
    old: join(dir, `.${name}${suffix}.old`),
  };
  if (existsSync(place.old) && !existsSync(place.target)) renameSync(place.old, place.target);
  clearPlace(place);
  return place;
}

/**
 * Among instances results would be taken for one, or go with one; and where `to` lies above the pool and the experiment is
 * called as the pool's directory, they would take the place of the instance itself.
 */
function requireOutside(dir: string, pool: string): void {
  if (!`${dir}/`.startsWith(`${pool}/`) && !existsSync(join(dir, '.spica'))) return;
  throw new CheckError(
    'COLLECT_TARGET',
    `${dir} lies in the pool, or in another one (collect_to): expected a directory outside of them`,
  );
}

/** Puts what is whole in its place; what was there before stays where that fails. */
export function takePlace(from: string, { target, old }: Place): void {
  const hasOld = existsSync(target);
  if (hasOld) renameSync(target, old);
  try {
    renameSync(from, target);
  } catch (error) {
    if (hasOld) renameSync(old, target);
    throw error;
  }
}

/** Takes away all but the results. */
export function clearPlace({ staging, archive, old }: Place): void {
  for (const path of [staging, archive, old]) rmSync(path, { recursive: true, force: true });
}
