import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { excludeFromGit } from '../../src/clone/git-exclude.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { openNursery } from '../support/clones.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-exclude-'));
});
afterEach(() => removeTree(dir));

const git = async (cwd: string, ...args: string[]) => {
  const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const as = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'safe.directory=*'];
  return (await execa('git', [...as, ...args], { cwd, env })).stdout;
};
const excludeOf = (root: string) => readFile(join(root, '.git/info/exclude'), 'utf8');

it("keeps git in an instance from committing or cleaning away Spica's files", async () => {
  const template = await makeTemplate(join(dir, 'template'));
  await git(template, 'init', '-q');
  await writeFile(join(template, '.gitignore'), '.venv/\n');
  await git(template, 'add', '-A');
  await git(template, 'commit', '-qm', 'begin');
  const nursery = await openNursery(join(dir, 'pool'), template);
  const instance = await nursery.clone(await nursery.templates.prepare('default'));
  expect(await git(instance, 'status', '--porcelain')).toBe('');
  await writeFile(join(instance, 'work'), 'x');
  await git(instance, 'clean', '-fd');
  expect(await readdir(instance)).toEqual(expect.arrayContaining(['lineage.json', 'manifest.json']));
  expect(await readdir(instance)).not.toContain('work');
  expect(await excludeOf(template)).not.toContain('manifest.json');
});

it.each<[string, string | null, string]>([
  ['no file', null, '/manifest.json\n/lineage.json\n'],
  ['a file without a line break at its end', '*.log', '*.log\n/manifest.json\n/lineage.json\n'],
  ['a file that names one of them', '/lineage.json\n', '/lineage.json\n/manifest.json\n'],
])('adds what is missing to %s, once', async (_, before, after) => {
  await mkdir(join(dir, '.git'));
  if (before !== null) {
    await mkdir(join(dir, '.git/info'));
    await writeFile(join(dir, '.git/info/exclude'), before, { mode: 0o444 });
  }
  await excludeFromGit(dir);
  await excludeFromGit(dir);
  expect(await excludeOf(dir)).toBe(after);
});

it.each<[string, (root: string, other: string) => Promise<unknown>]>([
  ['a link', (root, other) => symlink(other, join(root, '.git'))],
  ['a file', (root, other) => writeFile(join(root, '.git'), `gitdir: ${other}\n`)],
  ['the directory of a worktree', (root, other) => becomeWorktree(root, other)],
  ['a directory whose `info` is a link', (root, other) => linkTo(join(root, '.git/info'), `${other}/info`)],
  [
    'a directory whose `info/exclude` is a link',
    (root, other) => linkTo(join(root, '.git/info/exclude'), `${other}/info/exclude`),
  ],
])('changes nothing through a .git that is %s', async (_, make) => {
  const root = join(dir, 'instance');
  const other = join(dir, 'other/.git');
  for (const path of [root, join(other, 'info')]) await mkdir(path, { recursive: true });
  await writeFile(join(other, 'info/exclude'), 'of another\n');
  await make(root, other);
  const before = await readdir(root, { recursive: true });
  await excludeFromGit(root);
  expect(await readFile(join(other, 'info/exclude'), 'utf8')).toBe('of another\n');
  expect(await readdir(root, { recursive: true })).toEqual(before);
});

it('does nothing where there is no .git', async () => {
  await excludeFromGit(dir);
  expect(await readdir(dir)).toEqual([]);
});

async function becomeWorktree(root: string, other: string): Promise<void> {
  await mkdir(join(root, '.git'));
  await writeFile(join(root, '.git/commondir'), `${other}\n`);
}

async function linkTo(path: string, target: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await symlink(target, path);
}
