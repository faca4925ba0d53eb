import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { listIncluded } from '../../src/template/rsync.ts';

it('takes a template whose list of files is longer than 100 MB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spica-long-list-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const names = Array.from({ length: 1_000 }, (_, n) => `file-${String(n).padStart(200, '0')}`);
  await writeFile(join(dir, 'names'), `${names.join('\n')}\n`.repeat(30));
  // Stands in for rsync: so many files with names so long would take minutes to make.
  const print = `cat ${'names '.repeat(20)}`;
  await writeFile(join(dir, 'rsync'), `#!/bin/sh\ncd ${dir}\n${print}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', [dir, process.env['PATH']].join(delimiter));
  const said = { version: '1', rules: [], originCommit: 'unknown', allowGitFile: false, prepare: null };
  const source = { name: 'default', dir, configured: dir, ...said };
  expect([...(await listIncluded(source))]).toEqual(names);
});
