import { join, resolve } from 'node:path';

/** From where a path starts: a relative one, and one that begins with `~/`. */
export interface PathStart {
  readonly base: string;
  readonly home: string;
}

/** Why a text is no path that a config may name: "expected a path …"; null where it is one. */
export function pathProblem(path: string): string | null {
  if (path.includes('$')) return 'expected a path without $, since variables are not replaced in it';
  if (/^~[^/]/.test(path))
    return 'expected an absolute path, a relative one, or one below ~/ (your home directory)';
  return null;
}

/** The absolute path that a setting names: `~/` at its start is the home directory. It has no `pathProblem`. */
export function absolutePath(path: string, { base, home }: PathStart): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : resolve(base, path);
}
