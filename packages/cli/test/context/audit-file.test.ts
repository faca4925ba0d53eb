import { execFileSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { capture, runCaptured } from '../capture.ts';

/** Runs `spica config` with this for `audit.path`. */
async function configWith(audit: string, io = capture()) {
  const file = join(io.cwd, 'spica.yaml');
  await writeFile(file, `audit:\n  path: ${audit}\n`);
  return runCaptured(['config', '--config', file], io);
}

it('refuses an audit log that would keep nothing, by its field, its value and what is expected', async () => {
  const { exitCode, stdout, stderr } = await configWith('/dev/null');
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toBe(
    'error: audit.path: expected a regular file, or a path where one can be made, got "/dev/null", which is no file ' +
      'that keeps what is written (spica.yaml:2)\n',
  );
});

it('refuses a directory, a pipe, and a link to such a thing', async () => {
  const io = capture();
  const at = (name: string) => join(io.cwd, name);
  execFileSync('mkfifo', [at('pipe')]);
  await symlink('/dev/null', at('link'));
  expect((await configWith(io.cwd, io)).stderr).toContain('which is a directory (');
  for (const name of ['pipe', 'link']) {
    const { exitCode, stderr } = await configWith(at(name), io);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`got "${at(name)}", which is no file`)]);
  }
});

it.each(['audit.jsonl', 'not/yet/there.jsonl'])('takes %s, a file or a place for one', async (path) => {
  const io = capture();
  await writeFile(join(io.cwd, 'audit.jsonl'), '');
  const { exitCode, stdout } = await configWith(path, io);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining(join(io.cwd, path))]);
});
