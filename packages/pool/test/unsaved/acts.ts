import { appendFile, mkdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commit, git } from './site.ts';

/** Something that is done in an instance. */
export type Act = (at: string) => Promise<unknown>;

export function inTurn(...acts: readonly Act[]): Act {
  return async (at) => {
    for (const act of acts) await act(at);
  };
}

export const put = (at: string, name: string, text = 'work') => writeFile(join(at, name), text);
export const push = (at: string, ...refs: string[]) => git(at, 'push', '-q', 'origin', ...refs);
const originOf = (at: string) => git(at, 'remote', 'get-url', 'origin');

export async function mkdirIn(at: string, name: string): Promise<string> {
  await mkdir(join(at, name), { recursive: true });
  return join(at, name);
}

export async function branch(at: string, name: string): Promise<void> {
  await git(at, 'checkout', '-q', '-b', name);
  await commit(at, name);
}

export async function branches(at: string): Promise<void> {
  await branch(at, 'one');
  await branch(at, 'two');
  await git(at, 'checkout', '-q', 'main');
  await commit(at, 'three');
}

export async function detach(at: string): Promise<void> {
  await git(at, 'checkout', '-q', '--detach');
  await commit(at, 'detached');
}

export async function amend(at: string): Promise<void> {
  await commit(at, 'a');
  await git(at, 'commit', '-q', '--amend', '-m', 'another');
}

export async function tag(at: string): Promise<void> {
  await detach(at);
  await git(at, 'tag', '-a', 'v1', '-m', 'v1');
  await git(at, 'checkout', '-q', 'main');
}

export async function pushed(at: string): Promise<void> {
  await branch(at, 'resumed');
  await push(at, 'resumed:refs/heads/resumed-1');
}

export async function worktree(at: string): Promise<void> {
  await git(at, 'worktree', 'add', '-q', '--detach', join(at, 'build/tree'));
  await commit(join(at, 'build/tree'), 'elsewhere');
}

/** As a tool does that sets times back. */
export async function forge(path: string): Promise<void> {
  const { atime, mtime } = await stat(path);
  await writeFile(path, '9.9.9\n');
  await utimes(path, atime, mtime);
}

export async function appendLater(path: string): Promise<void> {
  await appendFile(path, 'MINE=1\n');
  const later = new Date(Date.now() + 2_000);
  await utimes(path, later, later);
}

export async function assumeUnchanged(at: string): Promise<void> {
  await git(at, 'update-index', '--assume-unchanged', 'VERSION');
  await put(at, 'VERSION', '2.0.0\n');
}

export async function skipWorktree(at: string): Promise<void> {
  await git(at, 'update-index', '--skip-worktree', 'VERSION');
  await put(at, 'VERSION', '2.0.0\n');
}

export async function hidden(at: string): Promise<void> {
  await git(at, 'config', 'status.showUntrackedFiles', 'no');
  await put(at, 'new');
}

export async function pushInside(at: string): Promise<void> {
  await git(at, 'init', '-q', '--bare', 'build/inside.git');
  await git(at, 'remote', 'add', 'inside', './build/inside.git');
  await commit(at, 'a');
  await git(at, 'push', '-q', 'inside', 'main');
}

async function nested(at: string): Promise<string> {
  await git(at, 'clone', '-q', await originOf(at), 'sub/nested');
  return join(at, 'sub/nested');
}

export async function nestedCommit(at: string): Promise<void> {
  await commit(await nested(at), 'within');
}

export async function nestedFile(at: string): Promise<void> {
  await put(await nested(at), 'mine');
}

export async function nestedNew(at: string): Promise<void> {
  await git(at, 'init', '-q', 'fresh');
  await put(join(at, 'fresh'), 'mine');
}

export async function nestedBroken(at: string): Promise<void> {
  await truncate(join(await nested(at), '.git/index'), 10);
}

export async function submoduleCommit(at: string): Promise<void> {
  await git(
    at,
    '-c',
    'protocol.file.allow=always',
    'submodule',
    '--quiet',
    'add',
    await originOf(at),
    'module',
  );
  await git(at, 'commit', '-qm', 'with a submodule');
  await push(at, 'HEAD:refs/heads/with-module');
  await commit(join(at, 'module'), 'below');
}

export async function conflict(at: string): Promise<void> {
  await git(at, 'reset', '-q', '--hard');
  await branch(at, 'left');
  await put(at, 'VERSION', 'left\n');
  await git(at, 'commit', '-qam', 'left');
  await git(at, 'checkout', '-q', 'main');
  await put(at, 'VERSION', 'right\n');
  await git(at, 'commit', '-qam', 'right');
  await git(at, 'merge', '-q', 'left').catch(() => undefined);
}

export async function loseCommit(at: string): Promise<void> {
  await commit(at, 'a');
  const sha = await git(at, 'rev-parse', 'HEAD');
  await rm(join(at, '.git/objects', sha.slice(0, 2), sha.slice(2)));
}

export async function gitFile(at: string): Promise<void> {
  await rm(join(at, '.git'), { recursive: true });
  await put(at, '.git', 'gitdir: ../nowhere\n');
}
