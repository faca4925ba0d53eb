import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { putInFront } from '../../../../test/support/in-front.ts';
import { listIncluded } from '../../src/template/rsync.ts';

it('takes a template whose list of files is longer than 100 MB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spica-long-list-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const names = Array.from({ length: 1_000 }, (_, n) => `file-${String(n).padStart(200, '0')}`);
  await writeFile(join(dir, 'names'), `${names.join('\n')}\n`.repeat(30));
  // Stands in for rsync: so many files with names so long would take minutes to make.
  const print = `cat ${'names '.repeat(20)}`;
  await putInFront(dir, 'rsync', () => `cd ${dir}\n${print}`);
  const said = { version: '1', rules: [], originCommit: 'unknown', allowGitFile: false, prepare: null };
  const source = { name: 'default', dir, configured: dir, ...said };
  expect([...(await listIncluded(source))]).toEqual(names);
});
