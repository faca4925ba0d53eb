import { constants } from 'node:fs';
import { mkdtemp, open, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { nullIfMissing } from '@spica/core';
import { createGit, type Git } from './git.ts';

/** Where a working tree's repository lies. */
export interface Place {
  /** Where its HEAD and index are. */
  readonly gitDir: string;
  /** Where its commits, branches and stashes are: the same, but for worktrees. */
  readonly commonDir: string;
}

/** A repository as it is looked at. */
export interface Repository extends Place {
  readonly git: Git;
  /** Its remotes: name → URLs. */
  readonly remotes: ReadonlyMap<string, readonly string[]>;
}

/** Memory before a disk: what is looked at to make room must not need any. */
const SCRATCH = '/dev/shm';

/** What of a repository the view has not: what it configures, what it runs, and what says where others are. */
const LEFT_OUT = new Set(['config', 'config.worktree', 'hooks', 'HEAD', 'commondir', 'gitdir', 'index.lock']);

/** Settings that say how the files of a repository are to be read, and run nothing. */
const KEPT_SETTINGS = new Set([
  'core.repositoryformatversion',
  'core.filemode',
  'core.ignorecase',
  'core.symlinks',
  'core.autocrlf',
  'core.eol',
  'extensions.objectformat',
  'extensions.refstorage',
]);

/** The settings of ours: no short cut by what somebody else has noted in the index. */
const OUR_SETTINGS = [
  '[core]',
  '\tbare = false',
  '\tfsmonitor = false',
  '\tuntrackedCache = false',
  '\tcheckStat = default',
  '\ttrustctime = true',
  '\tsafecrlf = false',
];

/**
 * Finds the repository of a working tree; null where there is none. Throws an error that says why, where `.git` leads to
 * no repository.
 */
export async function locateRepository(top: string): Promise<Place | null> {
  const path = join(top, '.git');
  const found = await nullIfMissing(stat(path));
  if (!found) return (await readdir(top)).includes('.git') ? fail('its .git is a link to nothing') : null;
  const gitDir = await realpath(found.isDirectory() ? path : await readGitFile(path, found.isFile()));
  const common = await nullIfMissing(readSmall(join(gitDir, 'commondir')));
  const commonDir = common === null ? gitDir : await realpath(resolve(gitDir, common.trim()));
  return { gitDir, commonDir };
}

async function readGitFile(path: string, isFile: boolean): Promise<string> {
  if (!isFile) fail('its .git is neither a directory nor a file');
  const [, target] = /^gitdir: (.+?)[\r\n]*$/s.exec(await readSmall(path)) ?? [];
  return target === undefined ? fail('its .git is no repository') : resolve(dirname(path), target);
}

/** A pipe in its place has no writer: opened as others are, it would hold up its reader for ever. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;
const MOST_BYTES = 64 * 1024;

/** One of the little files in which a repository says where its parts are. */
async function readSmall(path: string): Promise<string> {
  const file = await open(path, READ);
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > MOST_BYTES)
      fail(`its ${basename(path)} is none that git would write`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function fail(reason: string): never {
  throw new Error(reason);
}

/**
 * Runs work on a repository through a view of it: a directory with links to what it holds, and a configuration of ours. So
 * nothing that the repository configures is even read by git: no hook, filter, monitor, pager, helper, alias or include
 * can be run; and nothing is written into it. Throws what the work throws, and what git or the filesystem says.
 */
export async function withRepository<T>(
  top: string,
  { gitDir, commonDir }: Place,
  signal: AbortSignal,
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  const view = await makeScratch();
  try {
    const git = createGit({ view, top, signal });
    const head = await readSmall(join(gitDir, 'HEAD'));
    const settings = await readSettings(git, join(commonDir, 'config'));
    await writeFile(join(view, 'HEAD'), head);
    await writeFile(join(view, 'config'), configOf(settings));
    await linkInto(view, gitDir, signal);
    if (commonDir !== gitDir) await linkInto(view, commonDir, signal);
    return await work({ gitDir, commonDir, git, remotes: remotesOf(settings) });
  } finally {
    await rm(view, { recursive: true, force: true });
  }
}

async function makeScratch(): Promise<string> {
  const prefix = 'spica-git-';
  return mkdtemp(join(SCRATCH, prefix)).catch(() => mkdtemp(join(tmpdir(), prefix)));
}

/** What is there already, of the worktree's own, stays. */
async function linkInto(view: string, from: string, signal: AbortSignal): Promise<void> {
  const there = new Set(await readdir(view));
  for (const name of await readdir(from)) {
    signal.throwIfAborted();
    if (!LEFT_OUT.has(name) && !there.has(name)) await symlink(join(from, name), join(view, name));
  }
}

type Settings = readonly (readonly [key: string, value: string])[];

/** A repository without a configuration has none; what it includes from elsewhere is not read. */
async function readSettings(git: Git, path: string): Promise<Settings> {
  if ((await nullIfMissing(stat(path))) === null) return [];
  const output = await git(['config', '--file', path, '--no-includes', '--list', '-z']);
  return output
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const at = entry.indexOf('\n');
      return at === -1 ? [entry, 'true'] : [entry.slice(0, at), entry.slice(at + 1)];
    });
}

function configOf(settings: Settings): string {
  const kept = settings.flatMap(([key, value]) => {
    const [section, name] = key.split('.');
    // No such value has any other character: nothing can be put into the file beside it.
    return KEPT_SETTINGS.has(key) && /^[\w-]*$/.test(value) ? [`[${section}]`, `\t${name} = ${value}`] : [];
  });
  return [...kept, ...OUR_SETTINGS, ''].join('\n');
}

function remotesOf(settings: Settings): Map<string, string[]> {
  const remotes = new Map<string, string[]>();
  for (const [key, value] of settings) {
    const [, name] = /^remote\.(.+)\.(?:push)?url$/s.exec(key) ?? [];
    if (name !== undefined) remotes.set(name, [...(remotes.get(name) ?? []), value]);
  }
  return remotes;
}
