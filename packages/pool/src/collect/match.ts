import { createHash } from 'node:crypto';
import { type BigIntStats, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { globSync } from 'tinyglobby';

/** An entry of an instance that is to be collected. */
export interface Match {
  /** Relative to the instance. */
  readonly path: string;
  readonly stat: BigIntStats;
}

export interface Matches {
  readonly matches: readonly Match[];
  /** SHA-256 over what tells a change of them: see `Collected.state`. */
  readonly state: string;
}

/**
 * What of a directory matches, in order of path: files, symbolic links and special files, no directories. No link is
 * followed. Blocks: for a thread of its own.
 */
export function findMatches(dir: string, patterns: readonly string[]): Matches {
  const paths = globSync([...patterns], {
    cwd: dir,
    dot: true,
    followSymbolicLinks: false,
    onlyFiles: true,
    fs: { readdirSync: listAsFiles as typeof readdirSync },
  });
  const matches: Match[] = [];
  const hash = createHash('sha256');
  for (const path of paths.sort()) {
    if (path.split('/').includes('..')) continue; // a pattern that led out of the directory
    const stat = lstatSync(join(dir, path), { bigint: true, throwIfNoEntry: false });
    if (!stat) continue; // vanished meanwhile
    matches.push({ path, stat });
    hash.update(`${path}\0${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}\0`);
  }
  return { matches, state: hash.digest('hex') };
}

/** The library drops links and special files; taken for files, they are matched too, and can be told of. */
function listAsFiles(dir: string, _options: { readonly withFileTypes: true }): Dirent[] {
  const entries = readdirSync(dir, { withFileTypes: true });
  for (const entry of entries) if (!entry.isDirectory()) Object.assign(entry, AS_FILE);
  return entries;
}

const AS_FILE = { isFile: () => true, isSymbolicLink: () => false };
