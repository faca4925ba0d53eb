import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initPool } from '../../src/marker/init.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { checkTemplate } from '../../src/template/report.ts';
import { createTemplates } from '../../src/template/templates.ts';

let dir: string;
/** A repository with one commit, VERSION in it. */
let main: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-git-'));
  main = await makeRepository(join(dir, 'main'));
});
afterEach(() => removeTree(dir));

async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'protocol.file.allow=always'];
  const { stdout } = await execa('git', [...identity, ...args], { cwd });
  return stdout;
}

async function makeRepository(path: string): Promise<string> {
  await mkdir(path);
  await git(path, 'init', '-q', '-b', 'main');
  await writeFile(join(path, 'VERSION'), '1\n');
  await git(path, 'add', '.');
  await git(path, 'commit', '-q', '-m', 'first');
  return path;
}

async function commit(cwd: string): Promise<void> {
  await git(cwd, 'commit', '-q', '--allow-empty', '-m', 'further');
}

const head = (cwd: string) => git(cwd, 'rev-parse', 'HEAD');

async function templatesOf(template: string, allowGitFile = false) {
  const pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
  return createTemplates({
    pool,
    sources: { default: { path: template } },
    allowGitFile,
    method: 'copy',
    clock: systemClock,
    logger: pino({ level: 'silent' }),
  });
}

/** What an instance of it would be. */
async function cloneOf(template: string, name: string, allowGitFile = false): Promise<string> {
  const { path } = await (await templatesOf(template, allowGitFile)).prepare('default');
  const clone = join(dir, name);
  await execa('cp', ['-a', '--', path, clone]);
  return clone;
}

async function warningsOf(template: string) {
  const sources = { default: { path: template } };
  return checkTemplate({ root: join(dir, 'pool'), sources, name: 'default', allowGitFile: false });
}

async function expectRefused(template: string, file: string, leadsTo: string | RegExp): Promise<void> {
  const templates = await templatesOf(template);
  for (const attempt of ['prepare', 'size'] as const) {
    const error = await templates[attempt]('default').catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: 'refused', code: 'TEMPLATE_GIT_FILE', details: { file } });
    expect(error.details.leadsTo).toMatch(leadsTo);
    expect(error.message).toContain(`template default: ${file} is `);
    expect(error.message).toContain('git clone --local');
  }
  await expect(warningsOf(template)).rejects.toMatchObject({ code: 'TEMPLATE_GIT_FILE' });
}

describe('a worktree as template', () => {
  let worktree: string;
  beforeEach(async () => {
    worktree = join(dir, 'worktree');
    await git(main, 'worktree', 'add', '-q', worktree);
  });

  it('is refused, since a commit in one clone would move the others', async () => {
    await expectRefused(worktree, '.git', join(main, '.git/worktrees/worktree'));
    const [one, two] = [await cloneOf(worktree, 'one', true), await cloneOf(worktree, 'two', true)];
    await commit(one);
    expect(await head(two)).toBe(await head(one));
    expect(await head(worktree)).toBe(await head(one));
  });

  it('is refused again when allow_git_file is taken back', async () => {
    await (await templatesOf(worktree, true)).prepare('default');
    expect(await (await templatesOf(worktree)).current('default')).toBeNull();
    await expectRefused(worktree, '.git', /worktrees/);
  });

  it('is taken with its .git excluded, as a name; as a directory that pattern leaves a file in', async () => {
    await writeFile(join(worktree, '.templateignore'), '.git/\n');
    await expectRefused(worktree, '.git', /worktrees/);
    await writeFile(join(worktree, '.templateignore'), '.git\n');
    const clone = await cloneOf(worktree, 'clone');
    await expect(readFile(join(clone, '.git'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused where it lies in the template, by its place', async () => {
    await git(main, 'worktree', 'add', '-q', join(main, 'inner'));
    await expectRefused(main, 'inner/.git', join(main, '.git/worktrees/inner'));
    await writeFile(join(main, '.templateignore'), '/inner/.git\n');
    const clone = await cloneOf(main, 'clone');
    const before = await head(main);
    await commit(clone);
    expect(await head(main)).toBe(before);
  });
});

describe('a submodule', () => {
  let outer: string;
  beforeEach(async () => {
    outer = await makeRepository(join(dir, 'outer'));
    await git(outer, 'submodule', '--quiet', 'add', main, 'deep/sub');
    await git(outer, 'commit', '-q', '-m', 'submodule');
  });

  it('as template is refused: its repository lies outside', async () => {
    await expectRefused(join(outer, 'deep/sub'), '.git', '../../.git/modules/deep/sub');
  });

  it('in a template is cloned with its repository: a commit in a clone stays there', async () => {
    const clone = await cloneOf(outer, 'clone');
    expect(await warningsOf(outer)).toEqual([]);
    const before = await head(join(outer, 'deep/sub'));
    expect(await head(join(clone, 'deep/sub'))).toBe(before);
    expect(await git(join(clone, 'deep/sub'), 'rev-parse', '--show-toplevel')).toBe(join(clone, 'deep/sub'));
    await commit(join(clone, 'deep/sub'));
    expect(await head(join(outer, 'deep/sub'))).toBe(before);
  });

  it('whose repository is left out is warned of, since git fails there', async () => {
    await writeFile(join(outer, '.templateignore'), '/.git/\n');
    const clone = await cloneOf(outer, 'clone');
    await expect(git(join(clone, 'deep/sub'), 'status')).rejects.toThrow('not a git repository');
    expect(await warningsOf(outer)).toMatchObject([
      { code: 'GIT_LEADS_NOWHERE', files: ['deep/sub/.git'], count: 1 },
    ]);
  });

  it('that names its working tree by an absolute path is refused: git would act on the template', async () => {
    const config = join(outer, '.git/modules/deep/sub/config');
    await git(outer, 'config', '-f', config, 'core.worktree', join(outer, 'deep/sub'));
    await expectRefused(outer, 'deep/sub/.git', join(outer, 'deep/sub'));
    const clone = await cloneOf(outer, 'clone', true);
    expect(await git(join(clone, 'deep/sub'), 'rev-parse', '--show-toplevel')).toBe(join(outer, 'deep/sub'));
  });
});

describe('a repository beside its .git', () => {
  beforeEach(async () => {
    await git(main, 'init', '-q', '--separate-git-dir', join(main, '.repository'));
  });

  it('is refused where .git names it by its place in the template', async () => {
    await expectRefused(main, '.git', join(main, '.repository'));
  });

  it.each([
    ['a file', () => writeFile(join(main, '.git'), 'gitdir: ./.repository\n')],
    ['a link', () => symlink('.repository', join(main, '.git'))],
    ['a link to a file', () => makeLinkToFile('gitdir: .repository\n')],
  ])('is cloned with it where .git is %s that leads to it from where it is', async (_, make) => {
    await rm(join(main, '.git'));
    await make();
    const clone = await cloneOf(main, 'clone');
    const before = await head(main);
    await commit(clone);
    expect(await head(main)).toBe(before);
    expect(await warningsOf(main)).toEqual([]);
  });

  it.each([
    ['a link out of it', () => symlink('../elsewhere', join(main, '.git')), '../elsewhere'],
    ['an absolute link into it', () => symlink(join(main, '.repository'), join(main, '.git')), '/'],
    ['a link in a circle', () => symlink('.git', join(main, '.git')), '.git'],
    ['a file that leads through a link', () => makeDetour(), '/'],
    ['a link to a file that leads out of it', () => makeLinkToFile('gitdir: ../elsewhere'), '../elsewhere'],
    ['a file that leads to what leads elsewhere', () => makeCommon(), '../../elsewhere'],
  ])('is refused where .git is %s', async (_, make, leadsTo) => {
    await rm(join(main, '.git'));
    await make();
    await expectRefused(main, '.git', leadsTo);
  });

  it('is no matter where .git is no file of git', async () => {
    await writeFile(join(main, '.git'), 'nothing of the kind\n');
    await cloneOf(main, 'clone');
    expect(await warningsOf(main)).toEqual([]);
  });
});

async function makeLinkToFile(content: string): Promise<void> {
  await writeFile(join(main, 'git-file'), content);
  await symlink('git-file', join(main, '.git'));
}

async function makeDetour(): Promise<void> {
  await symlink(dir, join(main, 'detour'));
  await writeFile(join(main, '.git'), 'gitdir: detour/main/.repository\n');
}

async function makeCommon(): Promise<void> {
  await writeFile(join(main, '.repository/commondir'), '../../elsewhere\n');
  await writeFile(join(main, '.git'), 'gitdir: .repository\n');
}
