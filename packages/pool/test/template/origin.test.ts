import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { readOriginCommit } from '../../src/template/origin.ts';

let dir: string;
const git = async (cwd: string, ...args: string[]) => {
  const identity = ['-c', 'user.name=A', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main'];
  return (await execa('git', [...identity, ...args], { cwd })).stdout;
};
const headOf = (cwd: string) => git(cwd, 'rev-parse', 'HEAD');

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-origin-'));
  await git(dir, 'init', '-q');
});
afterEach(() => removeTree(dir));

const commit = async () => {
  await git(dir, 'commit', '-q', '--allow-empty', '-m', 'change');
  return headOf(dir);
};

it("is the commit of git's HEAD, on a branch, packed, detached, in a linked worktree and below", async () => {
  const first = await commit();
  expect(await readOriginCommit(dir)).toBe(first);
  const second = await commit();
  expect(second).not.toBe(first);
  await git(dir, 'pack-refs', '--all');
  expect(await readOriginCommit(dir)).toBe(second);
  await mkdir(join(dir, 'a/b'), { recursive: true });
  expect(await readOriginCommit(join(dir, 'a/b'))).toBe(second);
  await git(dir, 'worktree', 'add', '-q', '-b', 'feature/x', 'tree', first);
  expect(await readOriginCommit(join(dir, 'tree'))).toBe(first);
  await git(dir, 'checkout', '-q', '--detach', first);
  expect(await readOriginCommit(dir)).toBe(first);
});

it('is unknown before the first commit, without a repository, and where it is broken', async () => {
  expect(await readOriginCommit(dir)).toBe('unknown');
  for (const head of ['', 'nonsense', 'ref: refs/heads/nope', 'ref: ../../etc/passwd', 'ref: HEAD']) {
    await writeFile(join(dir, '.git/HEAD'), head);
    expect(await readOriginCommit(dir)).toBe('unknown');
  }
  await rm(join(dir, '.git'), { recursive: true });
  expect(await readOriginCommit(dir)).toBe('unknown');
  await writeFile(join(dir, '.git'), 'gitdir: /nowhere\n');
  expect(await readOriginCommit(dir)).toBe('unknown');
});
