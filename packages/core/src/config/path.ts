import { isAbsolute, join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';

/** From where a path starts: a relative one, and one that begins with `~/`. */
export interface PathStart {
  /** Null where that is a working directory, and it is gone. */
  readonly base: string | null;
  readonly home: string;
}

/** Why a text is no path that a config may name: "expected a path …"; null where it is one. */
export function pathProblem(path: string): string | null {
  if (path.includes('$')) return 'expected a path without $, since variables are not replaced in it';
  if (/^~[^/]/.test(path))
    return 'expected an absolute path, a relative one, or one below ~/ (your home directory)';
  return null;
}

/**
 * The absolute path that a setting names: `~/` at its start is the home directory. It has no `pathProblem`. Throws UsageError
 * WORKING_DIRECTORY_GONE for a relative path without a base.
 */
export function absolutePath(path: string, { base, home }: PathStart): string {
  if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1));
  if (base !== null || isAbsolute(path)) return resolve(base ?? '/', path);
  throw new UsageError(
    'WORKING_DIRECTORY_GONE',
    `the directory that spica was started in is gone, and ${JSON.stringify(path)} is relative to it: change to one that is there`,
  );
}
