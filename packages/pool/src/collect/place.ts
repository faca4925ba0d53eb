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

/**
 * Makes the directory for results and takes away what an interrupted collection has left there. `to` must be there: one that
 * is not may be a disk that is not mounted. Throws CheckError COLLECT_TARGET, and what the filesystem says.
 */
export function preparePlace(to: string, parts: readonly string[], suffix: string): Place {
  if (!statSync(to, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CheckError('COLLECT_TARGET', `${to} is no directory (collect_to): make it, or mount its disk`);
  }
  const path = join(realpathSync(to), ...parts);
  const [dir, name] = [dirname(path), basename(path)];
  mkdirSync(dir, { recursive: true });
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
