import { appendFile, chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { git, openSite, type Site } from './site.ts';

let dir: string;
let canaries: string;
let site: Site;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-canary-'));
  canaries = join(dir, 'canaries');
  await mkdir(canaries);
  site = await openSite(dir, { dirty: false });
});
afterAll(() => removeTree(dir));

/** A program that leaves a file of this name when it is run. */
async function canary(name: string): Promise<string> {
  const path = join(dir, `run-${name}`);
  await writeFile(path, `#!/bin/sh\ntouch '${canaries}/${name}'\ncat\n`);
  await chmod(path, 0o755);
  return path;
}

/** Has a repository run a program at every occasion that git knows. */
async function arm(at: string): Promise<void> {
  const run = async (key: string) => git(at, 'config', key, await canary(key));
  for (const hook of ['post-index-change', 'post-checkout', 'reference-transaction', 'fsmonitor-watchman']) {
    await writeFile(join(at, '.git/hooks', hook), `#!/bin/sh\ntouch '${canaries}/hook-${hook}'\n`);
    await chmod(join(at, '.git/hooks', hook), 0o755);
  }
  const attributes = '* filter=evil diff=evil\nVERSION filter=process diff=evil\nlater filter=included\n';
  await writeFile(join(at, '.gitattributes'), attributes);
  const keys = ['filter.evil.clean', 'filter.evil.smudge', 'filter.process.process', 'diff.external'];
  const more = ['diff.evil.command', 'diff.evil.textconv', 'core.pager', 'core.sshCommand', 'core.askPass'];
  const rest = ['core.editor', 'gpg.program', 'credential.helper', 'uploadpack.packObjectsHook'];
  const aliases = ['status', 'ls-files', 'rev-list', 'for-each-ref'].map((name) => `alias.${name}`);
  for (const key of [...keys, ...more, ...rest, ...aliases]) await run(key);
  const included = join(dir, 'included');
  await writeFile(included, `[filter "included"]\n\tclean = ${await canary('included')}\n`);
  await git(at, 'config', 'include.path', included);
  await git(at, 'config', 'log.showSignature', 'true');
  await git(at, 'config', 'filter.evil.required', 'true');
  // The last, for it is asked by all that comes after.
  await run('core.fsmonitor');
  for (const name of await readdir(canaries)) await rm(join(canaries, name));
}

it('nothing that a repository configures is run', async () => {
  const at = await site.spawn();
  await writeFile(join(at, 'VERSION'), '2.0.0\n');
  await writeFile(join(at, 'later'), 'x');
  await git(at, 'add', '-A');
  await git(at, 'commit', '-qm', 'a');
  await writeFile(join(at, 'VERSION'), '3.0.0\n');
  await writeFile(join(at, 'later'), 'y');
  await writeFile(join(at, 'data/file-0'), Buffer.alloc(1_000, 'y')); // of the same size: git has to read it
  await arm(at);
  expect(await site.look(at)).toBe('1 commit not pushed, 4 files changed since the spawn');
  expect(await readdir(canaries)).toEqual([]);
  // They do sing: as a user would have it.
  await execa('git', ['-c', 'safe.directory=*', 'status'], { cwd: at, stdin: 'ignore', reject: false });
  const sung = ['core.fsmonitor', 'filter.evil.clean', 'filter.process.process', 'included'];
  expect(await readdir(canaries)).toEqual(expect.arrayContaining(sung));
});

it('what a configuration shows git elsewhere does not count', async () => {
  const at = await site.spawn();
  await writeFile(join(at, 'new'), 'x');
  await mkdir(join(dir, 'elsewhere'), { recursive: true });
  await writeFile(join(dir, 'ignores'), '*\n');
  await git(at, 'config', 'core.excludesFile', join(dir, 'ignores'));
  await git(at, 'config', 'core.worktree', join(dir, 'elsewhere'));
  expect(await site.look(at)).toBe('1 file changed since the spawn');
});

it('no other host is asked for what a partial clone has left out', async () => {
  const at = await site.spawn();
  await git(at, 'config', 'core.repositoryformatversion', '1');
  await git(at, 'config', 'extensions.partialClone', 'lazy');
  await git(at, 'config', 'remote.lazy.url', `ext::${await canary('lazy')} %S`);
  await git(at, 'config', 'remote.lazy.promisor', 'true');
  await git(at, 'config', 'protocol.ext.allow', 'always');
  await writeFile(join(at, '.git/refs/heads/x'), `${'1'.repeat(40)}\n`);
  expect(await site.look(at)).toMatch(/cannot tell/);
  expect(await readdir(canaries)).not.toContain('lazy');
});

it('a configuration that cannot be read to its end is no reason to wait', async () => {
  const at = await site.spawn();
  await rm(join(at, '.git/config'));
  await execa('mkfifo', [join(at, '.git/config')]);
  expect(await site.look(at, { mostMs: 500 })).toMatch(/cannot tell.*takes longer than 500ms/);
});

it('a value of the configuration brings no other with it', async () => {
  const at = await site.spawn();
  const evil = `core.eol = "lf\\n[core]\\n\\tfsmonitor = ${await canary('injected')}"`;
  await appendFile(join(at, '.git/config'), `[core]\n\t${evil.slice('core.'.length)}\n`);
  await site.look(at);
  expect(await readdir(canaries)).not.toContain('injected');
});
