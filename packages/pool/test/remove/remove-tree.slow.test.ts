import { chmod, link, lstat, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Mount, mountLoop, mountTmpfs } from '../../../../test/support/mount.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { asUser } from '../support/as-user.ts';

let dir: string;
let tree: string;
let mount: Mount | null;
beforeEach(async () => {
  mount = null;
  dir = await mkdtemp(join(tmpdir(), 'spica-remove-'));
  tree = join(dir, '-tree');
  await mkdir(tree);
});
afterEach(async () => {
  if (mount && !('skipped' in mount)) await mount.unmount();
  await execa('chattr', ['-R', '-i', '--', dir], { reject: false });
  await removeTree(dir);
});

it('deletes closed directories, odd names and links, and nothing that links lead to', async () => {
  await mkdir(join(dir, 'canary'));
  await writeFile(join(dir, 'canary/alive'), 'x', { mode: 0o444 });
  await symlink(join(dir, 'canary'), join(tree, 'to-directory'));
  await link(join(dir, 'canary/alive'), join(tree, 'hard'));
  await mkdir(join(tree, '-rf/a\nb/closed'), { recursive: true });
  await writeFile(join(tree, '-rf/a\nb/closed/file'), 'x', { mode: 0o400 });
  await execa('chmod', ['-R', 'a-w', '--', join(tree, '-rf')]);
  await removeTree(tree);
  expect(await readdir(dir)).toEqual(['canary']);
  expect((await lstat(join(dir, 'canary/alive'))).mode & 0o777).toBe(0o444);
  expect((await lstat(join(dir, 'canary'))).mode & 0o777).toBe(0o755);
});

it('does not mind what is gone, and deletes a link or a file itself', async () => {
  await removeTree(join(dir, 'never was'));
  await symlink(tree, join(dir, 'link'));
  await removeTree(join(dir, 'link'));
  await writeFile(join(dir, 'file'), 'x');
  await removeTree(join(dir, 'file'));
  expect(await readdir(dir)).toEqual(['-tree']);
});

it('deletes a tree of 5,000 levels', async () => {
  const thousand = 'd/'.repeat(1000);
  const script = 'for i in 1 2 3 4 5; do mkdir -p "$0" && cd -P "$0" || exit 1; done';
  await execa('sh', ['-c', script, thousand], { cwd: tree });
  await removeTree(tree);
  expect(await readdir(dir)).toEqual([]);
});

it('reports what is left, and why, when something resists, and deletes the rest', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('making a file immutable needs root');
  await writeFile(join(tree, 'stays'), 'x');
  const { failed, stderr } = await execa('chattr', ['+i', '--', join(tree, 'stays')], { reject: false });
  if (failed) return context.skip(`no file can be made immutable here: ${stderr}`);
  await writeFile(join(tree, 'goes'), 'x');
  const failure = await removeTree(tree).catch((error) => error);
  expect(failure).toMatchObject({ kind: 'check', code: 'REMOVE_INCOMPLETE' });
  expect(failure.message).toMatch(/-tree: not deleted in full: .*stays.*: Operation not permitted/);
  expect(await readdir(tree)).toEqual(['stays']);
});

it('does not enter another filesystem that is mounted inside', async (context) => {
  mount = await mountTmpfs({ bytes: 1_000_000 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  await writeFile(join(mount.dir, 'alive'), 'x');
  await mkdir(join(tree, 'inside'));
  await execa('mount', ['--bind', '--', mount.dir, join(tree, 'inside')]);
  try {
    await expect(removeTree(tree)).rejects.toMatchObject({ code: 'REMOVE_INCOMPLETE' });
    expect(await readFile(join(mount.dir, 'alive'), 'utf8')).toBe('x');
  } finally {
    await execa('umount', ['--', join(tree, 'inside')]);
  }
});

it('opens what its owner closed, for one who is not root', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('becoming another user needs root');
  await asUser(dir, async () => {
    for (const [name, mode] of [
      ['unwritable', 0o555],
      ['unreadable', 0o300],
      ['closed', 0],
    ] as const) {
      await mkdir(join(tree, name, 'deep/er'), { recursive: true });
      await writeFile(join(tree, name, 'deep/er/file'), 'x');
      for (const path of ['deep/er', 'deep', '']) await chmod(join(tree, name, path), mode);
    }
    await removeTree(tree);
    expect(await readdir(dir)).toEqual([]);
  });
});

it('does not delete what belongs to another user, and says so', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('becoming another user needs root');
  await mkdir(join(tree, 'foreign'));
  await writeFile(join(tree, 'foreign/file'), 'x');
  await asUser(dir, () => writeFile(join(tree, 'own'), 'x'));
  await execa('chown', ['-R', '0:0', '--', join(tree, 'foreign')]);
  const failure = await asUser(null, () => removeTree(tree).catch((error) => error));
  expect(failure).toMatchObject({ code: 'REMOVE_INCOMPLETE' });
  expect(failure.message).toMatch(/foreign\/file.*: Permission denied/);
  expect(await readdir(tree)).toEqual(['foreign']);
});

it('deletes btrfs subvolumes, also read-only ones and those inside others', async (context) => {
  mount = await mountLoop({ type: 'btrfs', bytes: 150e6 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  const { dir: root } = mount;
  const btrfs = (...args: string[]) => execa('btrfs', ['subvolume', ...args]);
  await btrfs('create', '--', join(root, 'outer'));
  await mkdir(join(root, 'outer/sub'));
  await btrfs('create', '--', join(root, 'outer/sub/inner'));
  await writeFile(join(root, 'outer/sub/inner/file'), 'x');
  await btrfs('snapshot', '-r', '--', join(root, 'outer/sub/inner'), join(root, 'outer/frozen'));
  await removeTree(join(root, 'outer'));
  expect(await readdir(root)).toEqual([]);
});

it('deletes a subvolume as a whole though others were made inside, without going through its files', async (context) => {
  mount = await mountLoop({ type: 'btrfs', bytes: 128 * 2 ** 20 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  const outer = join(mount.dir, 'outer');
  await execa('btrfs', ['subvolume', 'create', outer]);
  await mkdir(join(outer, 'deep/er'), { recursive: true });
  await writeFile(join(outer, 'file'), 'x');
  for (const name of ['deep/inner', 'deep/er/inner']) {
    await execa('btrfs', ['subvolume', 'create', join(outer, name)]);
    await writeFile(join(outer, name, 'file'), 'x');
  }
  await execa('chattr', ['+i', '--', join(outer, 'file')]); // which unlinking would not get past
  await removeTree(outer);
  expect(await readdir(mount.dir)).toEqual([]);
});
