import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfMissing } from '@spica/core';
import { OWN_NAMES } from '../manifest/manifest.ts';
import { isThere } from '../missing.ts';
import { appendLines } from './append-lines.ts';

const PATTERNS = Object.values(OWN_NAMES).map((name) => `/${name}`);

/**
 * Has git in an instance in the making pass over the files that Spica writes there: `git add -A` would commit them, and
 * `git clean` remove them. Only where its `.git` is a repository of its own: that of a worktree or behind a link is
 * shared with others. Throws what the filesystem says.
 */
export async function excludeFromGit(root: string): Promise<void> {
  try {
    await exclude(root);
  } catch (error) {
    // A repository that its owner made read-only takes no commits either.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  }
}

async function exclude(root: string): Promise<void> {
  const git = join(root, '.git');
  if (!(await isDirectory(git)) || (await isThere(join(git, 'commondir')))) return;
  const info = join(git, 'info');
  const path = join(info, 'exclude');
  if (!(await isThere(info))) await mkdir(info);
  if (!(await isDirectory(info))) return;
  const found = await nullIfMissing(lstat(path));
  if (!found) return writeFile(path, PATTERNS.map((pattern) => `${pattern}\n`).join(''));
  if (!found.isFile()) return;
  const lines = (await readFile(path, 'latin1')).split('\n');
  const missing = PATTERNS.filter((pattern) => !lines.includes(pattern));
  if (missing.length > 0) await appendLines(path, missing);
}

async function isDirectory(path: string): Promise<boolean> {
  return (await nullIfMissing(lstat(path)))?.isDirectory() ?? false;
}
