import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { UnreadableError, VanishedError } from './walk.ts';

/** A few directories to walk in this process. */
export interface SmallWalk {
  readonly dir: string;
  /** Keys of the directories to list. */
  readonly directories: readonly string[];
  /** How many entries there were; a walk that finds many more has come upon something else. */
  readonly entries: number;
}

/** What a program costs to start is the time for so many entries here, where nothing else runs meanwhile. */
export const MOST_ENTRIES = 200;

const GONE = ['ENOENT', 'ENOTDIR'];

/**
 * Like `walkEntries` (walk.ts), without a process: for a template of a few files, which would be walked in a thirtieth
 * of the time that it takes to start `find`. Hands over each entry's key and its metadata, the listed directories too.
 * Throws VanishedError, also when there are many more entries than there were, and UnreadableError.
 */
export function walkHere(
  { dir, directories, entries }: SmallWalk,
  onEntry: (key: string, stat: BigIntStats) => void,
): void {
  let left = 2 * Math.max(entries, MOST_ENTRIES);
  for (const directory of directories) {
    onEntry(directory, lookAt(dir, directory));
    for (const name of namesIn(dir, directory)) {
      left -= 1;
      if (left < 0) throw new VanishedError('there are many more entries than there were');
      const path = directory === './' ? name : directory + name;
      const stat = lookAt(dir, path);
      onEntry(stat.isDirectory() ? `${path}/` : path, stat);
    }
  }
}

function namesIn(dir: string, key: string): string[] {
  return reading(() => readdirSync(pathOf(dir, key), 'latin1').sort());
}

function lookAt(dir: string, key: string): BigIntStats {
  return reading(() => lstatSync(pathOf(dir, key), { bigint: true }));
}

function pathOf(dir: string, key: string): Buffer {
  return Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(key, 'latin1')]);
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw GONE.includes(code) ? new VanishedError(message) : new UnreadableError(message);
  }
}
