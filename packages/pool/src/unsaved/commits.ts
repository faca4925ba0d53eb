import { realpath } from 'node:fs/promises';
import { isAbsolute, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Repository } from './repository.ts';

/** The commits that a repository's references name. */
export interface Tips {
  /** Those that a remote has too, as far as the repository knows. */
  readonly saved: readonly string[];
  /** All others: branches, tags, HEAD. */
  readonly own: readonly string[];
  readonly stashes: readonly string[];
}

const STASH = 'refs/stash';
const REMOTES = 'refs/remotes/';

/**
 * Reads a repository's references. What was pushed to, or fetched from, a place within `around` is not saved: it goes with
 * it. Throws what git says.
 */
export async function readTips({ git, remotes }: Repository, top: string, around: string): Promise<Tips> {
  const [listed, head] = await Promise.all([
    git(['for-each-ref', '--format=%(objectname) %(refname)']),
    git(['rev-parse', '--verify', '--quiet', 'HEAD']).catch(() => ''), // of no commit yet
  ]);
  const outside: string[] = [];
  for (const [name, urls] of remotes) {
    const within = await Promise.all(urls.map((url) => isWithin(url, top, around)));
    if (!within.includes(true)) outside.push(`${REMOTES}${name}/`);
  }
  const saved: string[] = [];
  const own = head.trim() === '' ? [] : [head.trim()];
  let hasStash = false;
  for (const line of listed.split('\n')) {
    const [sha = '', name = ''] = line.split(' ');
    if (name === STASH) hasStash = true;
    else if (outside.some((prefix) => name.startsWith(prefix))) saved.push(sha);
    else if (sha !== '') own.push(sha);
  }
  const stashes = hasStash ? await listStashes(git) : [];
  return { saved, own, stashes };
}

async function listStashes(git: Repository['git']): Promise<string[]> {
  const all = `${await git(['rev-list', '--walk-reflogs', STASH, '--'])}\n${await git(['rev-parse', STASH])}`;
  return [...new Set(all.split('\n').filter((sha) => sha !== ''))];
}

/** Whether a remote's URL is a path that leads into a directory, a real path. */
async function isWithin(url: string, top: string, around: string): Promise<boolean> {
  const path = url.startsWith('file://') ? pathOfUrl(url) : url;
  if (!isAbsolute(path) && /^[^/]*:/.test(path)) return false; // host:path, scheme://…
  const at = await realpath(resolve(top, path)).catch(() => resolve(top, path));
  return at === around || at.startsWith(around + sep);
}

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

/**
 * How many commits a repository has that neither a remote has nor `known` leads to, a worktree's detached HEAD included.
 * Throws what git says, as where commits are missing.
 */
export async function countCommits(
  { git }: Repository,
  { saved, own }: Tips,
  known: readonly string[],
): Promise<number> {
  const without = new Set(saved);
  const sure = new Set([...saved, ...own]);
  const unsure = known.filter((sha) => !sure.has(sha));
  for (const sha of known) if (sure.has(sha)) without.add(sha);
  // A commit that it was cloned with may be gone since: its branch was deleted, and git has cleaned up.
  if (unsure.length > 0) {
    const checked = await git(
      ['cat-file', '--batch-check=%(objecttype)', '--buffer'],
      `${unsure.join('\n')}\n`,
    );
    const types = checked.split('\n');
    for (const [i, sha] of unsure.entries()) if (types[i] !== `${sha} missing`) without.add(sha);
  }
  const input = [...without].map((sha) => `^${sha}\n`).join('');
  const options = ['--count', `--exclude=${STASH}`, '--all', '--stdin'];
  return Number(await git(['rev-list', ...options], input));
}
