import { mkdtemp, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeTree } from '../../src/remove/remove-tree.ts';
import {
  type Act,
  amend,
  appendLater,
  assumeUnchanged,
  branch,
  branches,
  conflict,
  detach,
  forge,
  gitFile,
  hidden,
  inTurn,
  loseCommit,
  mkdirIn,
  nestedBroken,
  nestedCommit,
  nestedFile,
  nestedNew,
  push,
  pushed,
  pushInside,
  put,
  skipWorktree,
  submoduleCommit,
  tag,
  worktree,
} from './acts.ts';
import { commit, git, openSite, type Site } from './site.ts';

let dir: string;
let site: Site;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-unsaved-'));
  site = await openSite(dir);
});
afterAll(() => removeTree(dir));

describe('an instance of a template with changes, a stash and commits of its own', () => {
  it.each<[string, Act]>([
    ['nothing happened', async () => undefined],
    ['git has looked at it since', (at) => git(at, 'status')],
    ['only ignored files are new', async (at) => put(await mkdirIn(at, 'build'), 'out')],
    ['an untracked file of the template is gone', (at) => rm(join(at, 'untracked'))],
    ['the changes of the template were undone', (at) => git(at, 'reset', '-q', '--hard')],
    ['the stash was dropped', (at) => git(at, 'stash', 'drop', '-q')],
    [
      'its commits were pushed',
      inTurn(
        (at) => commit(at, 'mine'),
        (at) => push(at, 'main'),
      ),
    ],
    [
      'a branch of its own was pushed',
      inTurn(
        (at) => branch(at, 'b'),
        (at) => push(at, 'b:agent-1'),
      ),
    ],
    [
      'HEAD was detached, and pushed',
      inTurn(
        (at) => detach(at),
        (at) => push(at, 'HEAD:refs/heads/d'),
      ),
    ],
    ['a branch was made, without a commit', (at) => git(at, 'branch', 'empty')],
    [
      'a commit was amended, then pushed',
      inTurn(
        (at) => amend(at),
        (at) => push(at, 'HEAD:refs/heads/a'),
      ),
    ],
    ['a clone of what others have lies in it', (at) => git(at, 'clone', '-q', site.origin, 'vendored')],
    ['the files that Spica writes are another', (at) => put(at, 'manifest.json', '{}')],
  ])('may go where %s', async (_, act) => {
    const at = await site.spawn({ LR: '0.1' });
    await act(at);
    expect(await site.look(at)).toBeNull();
  });

  it.each<[string, Act, string]>([
    [
      'commits',
      inTurn(
        (at) => commit(at, 'a'),
        (at) => commit(at, 'b'),
      ),
      '2 commits not pushed',
    ],
    ['a commit of a detached HEAD', detach, '1 commit not pushed'],
    ['commits of several branches', (at) => branches(at), '3 commits not pushed'],
    ['a commit that only a tag names', tag, '1 commit not pushed'],
    [
      'a commit after a push',
      inTurn(
        (at) => pushed(at),
        (at) => commit(at, 'b'),
      ),
      '1 commit not pushed',
    ],
    ['a detached HEAD in a worktree', (at) => worktree(at), '1 commit not pushed'],
    [
      'a stash',
      inTurn(
        (at) => put(at, 'VERSION', '2'),
        (at) => git(at, 'stash', '-q'),
      ),
      '^1 stash$',
    ],
    ['an untracked file', (at) => put(at, 'new'), '1 file changed since the spawn'],
    [
      'an untracked file in a new directory',
      async (at) => put(await mkdirIn(at, 'x'), 'new'),
      '1 file changed',
    ],
    ['a name of bytes', (at) => writeFile(Buffer.from(`${at}/\xff\n`, 'latin1'), 'x'), '1 file changed'],
    ['a changed file', (at) => put(at, 'VERSION', '2.0.0\n'), '1 file changed since the spawn'],
    ['one of the same size and time', (at) => forge(join(at, 'VERSION')), '1 file changed since the spawn'],
    ['a file that the template had changed too', (at) => put(at, 'data/file-1'), '1 file changed'],
    ['an untracked file of the template, changed', (at) => put(at, 'untracked'), '1 file changed'],
    ['a staged file of the template, changed', (at) => put(at, 'staged'), '1 file changed'],
    [
      'a staged file',
      inTurn(
        (at) => put(at, 'new'),
        (at) => git(at, 'add', 'new'),
      ),
      '1 file changed',
    ],
    ['a deletion', (at) => rm(join(at, 'data/file-3')), '1 file changed since the spawn'],
    ['a parameter that was added by hand', (at) => appendLater(join(at, '.env.spica')), '1 file changed'],
    ['a file that git was told to pass over', assumeUnchanged, '1 file changed since the spawn'],
    ['a file that is left out of the checkout', skipWorktree, '1 file changed since the spawn'],
    ['`git config` that hides untracked files', hidden, '1 file changed since the spawn'],
    [
      'two of these',
      inTurn(
        (at) => commit(at, 'a'),
        (at) => put(at, 'new'),
      ),
      '1 commit not pushed, 1 file',
    ],
    ['a remote in the instance itself', pushInside, '1 commit not pushed'],
    ['a commit in a repository within', nestedCommit, '1 commit not pushed'],
    ['a file in a repository within', nestedFile, '1 file changed since the spawn'],
    ['a repository within that has no commit', nestedNew, '1 file changed since the spawn'],
    ['a commit in a submodule', submoduleCommit, '1 commit not pushed'],
    ['a merge in conflict', conflict, '3 commits not pushed, 2 files'],
  ])('is kept for %s', async (_, act, expected) => {
    const at = await site.spawn({ LR: '0.1' });
    await act(at);
    expect(await site.look(at)).toMatch(new RegExp(expected));
  });

  it('may go where it was whole in the millisecond in which its parameters were written', async () => {
    const at = await site.spawn({ LR: '0.1' });
    const clonedAt = Date.now();
    const inIt = (clonedAt + 0.9) / 1_000;
    await utimes(join(at, '.env.spica'), inIt, inIt);
    expect(await site.look(at, { clonedAt })).toBeNull();
    expect(await site.look(at, { clonedAt: clonedAt - 1 })).toMatch(/1 file changed/);
  });

  it.each<[string, Act, RegExp]>([
    ['its .git is gone', (at) => rm(join(at, '.git'), { recursive: true }), /has none any more/],
    ['its HEAD is torn', (at) => truncate(join(at, '.git/HEAD')), /cannot tell.*not a git repo/],
    ['its index is torn', (at) => truncate(join(at, '.git/index'), 10), /cannot tell.*index/],
    ['its objects are gone', (at) => rename(join(at, '.git/objects'), join(at, 'o')), /cannot tell/],
    ['a commit is missing', (at) => loseCommit(at), /cannot tell/],
    ['a branch names nothing', (at) => put(at, '.git/refs/heads/x', 'torn'), /cannot tell.*refs\/heads\/x/],
    ['its .git leads nowhere', gitFile, /cannot tell/],
    ['a repository within is broken', nestedBroken, /cannot tell/],
  ])('is kept where %s: unknown means keep', async (_, act, expected) => {
    const at = await site.spawn();
    await act(at);
    expect(await site.look(at)).toMatch(expected);
  });

  it('counts no parameters of the spawn where its record does not say when it was cloned', async () => {
    const at = await site.spawn({ LR: '0.1' });
    expect(await site.look(at, { clonedAt: null })).toBeNull();
    await appendLater(join(at, '.env.spica'));
    expect(await site.look(at, { clonedAt: null })).toBe('1 file changed since the spawn');
  });

  it('is kept where git takes too long, or is not there', async () => {
    const at = await site.spawn();
    expect(await site.look(at, { mostMs: 1 })).toMatch(/cannot tell.*takes longer than 1ms/);
    const { PATH } = process.env;
    process.env['PATH'] = '/nowhere';
    try {
      expect(await site.look(at)).toMatch(/cannot tell/);
    } finally {
      process.env['PATH'] = PATH;
    }
    expect(await site.look(at)).toBeNull();
  });

  it('is left as it was: not even its index is written', async () => {
    const at = await site.spawn();
    await commit(at, 'a');
    const before = await readFile(join(at, '.git/index'));
    const listed = async () => execa('find', [at, '-printf', '%p %T@ %C@ %s\n']);
    const { stdout } = await listed();
    await site.look(at);
    expect((await listed()).stdout).toBe(stdout);
    expect((await readFile(join(at, '.git/index'))).equals(before)).toBe(true);
  });
});
