import { mkdir, mkdtemp, rename, rm, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { put } from './acts.ts';
import { commit, git, openSite } from './site.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-hostile-'));
});
afterEach(() => removeTree(dir));

it('a pool that a link leads to is looked at as any other', async () => {
  await mkdir(join(dir, 'real'));
  await symlink('real', join(dir, 'link'));
  const site = await openSite(join(dir, 'link'), { dirty: false });
  const at = await site.spawn();
  expect(await site.look(at)).toBeNull();
  await commit(at, 'mine');
  await put(at, 'VERSION');
  await git(at, 'stash', '-q');
  expect(await site.look(at)).toBe('1 commit not pushed, 1 stash');
  // Into the instance itself, by the path that the pool is known by.
  await git(at, 'init', '-q', '--bare', join(at, 'build/backup.git'));
  await git(at, 'remote', 'add', 'backup', join(at, 'build/backup.git'));
  await git(at, 'push', '-q', 'backup', 'HEAD:refs/heads/mine');
  expect(await site.look(at)).toBe('1 commit not pushed, 1 stash');
});

it.each(['HEAD', 'commondir'])('a pipe in the place of %s holds nobody up', async (name) => {
  const site = await openSite(dir, { dirty: false });
  const at = await site.spawn();
  await rm(join(at, '.git', name), { force: true });
  await execa('mkfifo', [join(at, '.git', name)]);
  expect(await site.look(at)).toBe(
    `git cannot tell what would be lost: its ${name} is none that git would write`,
  );
});

it.each(['config', 'index', 'packed-refs', 'objects/info/alternates', 'info/exclude'])(
  'a pipe in the place of %s holds git up for its time only',
  async (name) => {
    const site = await openSite(dir, { dirty: false });
    const at = await site.spawn();
    await rm(join(at, '.git', name), { force: true });
    await execa('mkfifo', [join(at, '.git', name)]);
    expect(await site.look(at, { mostMs: 1_000 })).toMatch(/^git cannot tell what would be lost: /);
  },
);

it('a .git file without end is not read', async () => {
  const site = await openSite(dir, { dirty: false });
  const at = await site.spawn();
  await rm(join(at, '.git'), { recursive: true });
  await put(at, '.git');
  await truncate(join(at, '.git'), 2 ** 40);
  expect(await site.look(at)).toBe(
    'git cannot tell what would be lost: its .git is none that git would write',
  );
});

it('what a link in the place of an instance leads to is not looked at', async () => {
  const site = await openSite(dir, { dirty: false });
  const at = await site.spawn();
  await rename(at, join(dir, 'elsewhere'));
  await symlink(join(dir, 'elsewhere'), at);
  expect(await site.look(at)).toBe('git cannot tell what would be lost: something else lies in its place');
});

it('an instance that is gone has nothing to lose', async () => {
  const site = await openSite(dir, { dirty: false });
  const at = await site.spawn();
  await removeTree(at);
  expect(await site.look(at)).toBeNull();
});
