import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createMatcher } from '@spica/core';
import { openAt } from './open.ts';
import { rawPath, textOfName } from './raw.ts';

/** An entry of an instance that is to be collected. */
export interface Match {
  /** Relative to the instance, as `textOfName` has names. */
  readonly path: string;
  readonly stat: BigIntStats;
}

export interface Matches {
  readonly matches: readonly Match[];
  /** SHA-256 over what tells a change of them: see `Collected.state`. */
  readonly state: string;
}

/**
 * What of a directory (a real path) matches, in order of path: files, symbolic links and special files, no directories. No link
 * is followed. Blocks: for a thread of its own. Throws what the filesystem says of a directory that cannot be read, and
 * Error with what was expected of a pattern.
 */
export function findMatches(
  dir: string,
  patterns: readonly string[],
  throwIfCancelled: () => void = () => undefined,
): Matches {
  const matcher = createMatcher(patterns);
  const paths: string[] = [];
  const waiting = [{ at: '', reading: matcher.start }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    throwIfCancelled();
    for (const { name, isDirectory } of listDirectory(next.at === '' ? dir : join(dir, next.at))) {
      const path = next.at === '' ? name : `${next.at}/${name}`;
      const reading = matcher.read(next.reading, name);
      if (!isDirectory) {
        if (matcher.matches(reading)) paths.push(path);
        continue;
      }
      const within = matcher.read(reading, '/');
      if (matcher.mayLead(within)) waiting.push({ at: path, reading: within });
    }
  }
  const matches: Match[] = [];
  const hash = createHash('sha256');
  for (const path of paths.sort()) {
    const stat = lstatSync(rawPath(join(dir, path)), { bigint: true, throwIfNoEntry: false });
    if (!stat) continue; // vanished meanwhile
    matches.push({ path, stat });
    hash.update(`${path}\0${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}\0`);
  }
  return { matches, state: hash.digest('hex') };
}

/** Empty where it vanished, or a link leads elsewhere now. */
function listDirectory(path: string): { readonly name: string; readonly isDirectory: boolean }[] {
  const dir = openAt(path, constants.O_DIRECTORY);
  if (dir === null || dir === 'moved') return [];
  try {
    const entries = readdirSync(`/proc/self/fd/${dir}`, { withFileTypes: true, encoding: 'buffer' });
    return entries.map((entry) => ({ name: textOfName(entry.name), isDirectory: entry.isDirectory() }));
  } finally {
    closeSync(dir);
  }
}
