import { type BigIntStats, lstat } from 'node:fs';
import { promisify } from 'node:util';
import { nullIfMissing } from '@spica/core';
import { rawPathAt } from '../template/key.ts';
import type { Git } from './git.ts';

/** A path is one character for each byte, here and below; directories end with a slash. */
export interface Changes {
  /** By what git says of a file that is not as HEAD has it: its path. */
  readonly records: ReadonlyMap<string, string>;
  /** Directories in which a repository of its own may lie: submodules, and what git passes over. */
  readonly nested: readonly string[];
}

/** So many fields stand before the path, by the kind of a record of `git status --porcelain=v2`. */
const FIELDS: Readonly<Record<string, number>> = { '1': 8, u: 10, '?': 1 };
const GITLINK = '160000';

const lstatRaw = promisify(lstat) as (path: Buffer, options: { bigint: true }) => Promise<BigIntStats>;

/**
 * What of a working tree is not as its HEAD has it: staged, changed, in conflict, untracked; not what is ignored. Files that
 * git was told not to look at (`--assume-unchanged`, `--skip-worktree`) count where they are there. Throws what git says.
 */
export async function listChanges(git: Git, top: string): Promise<Changes> {
  const [status, index] = await Promise.all([
    git([
      'status',
      '--porcelain=v2',
      '-z',
      '--untracked-files=all',
      '--ignored=no',
      '--ignore-submodules=dirty',
      '--no-renames',
      '--no-ahead-behind',
    ]),
    git(['ls-files', '-v', '--stage', '-z']),
  ]);
  const records = new Map<string, string>();
  const nested: string[] = [];
  for (const record of status.split('\0')) {
    const path = pathOf(record);
    if (path === null) continue;
    if (record.startsWith('? ') && path.endsWith('/')) nested.push(path);
    else records.set(record, path);
  }
  for (const entry of index.split('\0')) {
    const [, tag = '', mode, path] = /^(.) (\d+) [0-9a-f]+ \d\t(.*)$/s.exec(entry) ?? [];
    if (path === undefined) continue;
    if (mode === GITLINK) nested.push(`${path}/`);
    else if (tag !== 'H' && tag !== 'M' && (await identify(top, path)) !== GONE) records.set(entry, path);
  }
  return { records, nested };
}

function pathOf(record: string): string | null {
  if (record === '') return null;
  const fields = FIELDS[record[0] ?? ''];
  if (fields === undefined) throw new Error(`git says what is not expected: ${record.slice(0, 100)}`);
  let at = 0;
  for (let field = 0; field < fields; field += 1) at = record.indexOf(' ', at) + 1;
  return record.slice(at);
}

const GONE = 'gone';

/**
 * What a file is, by what a copy of it keeps and a change of it does not. Of a directory only that it is one: who adds
 * something to it changes no file.
 */
export async function identify(top: string, path: string): Promise<string> {
  const found = await nullIfMissing(lstatRaw(rawPathAt(top, path), { bigint: true })).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTDIR') return null;
      throw error;
    },
  );
  if (!found) return GONE;
  return found.isDirectory() ? 'directory' : `${found.mode} ${found.size} ${found.mtimeNs}`;
}
