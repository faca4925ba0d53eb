import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeDirectory } from '../src/make-directory.ts';

it('makes a directory with those above it, also when several do so at once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spica-make-'));
  const path = join(dir, 'a', 'b', 'c');
  await Promise.all(Array.from({ length: 8 }, () => makeDirectory(path)));
  expect((await stat(path)).isDirectory()).toBe(true);
  await makeDirectory(path);
  await writeFile(join(dir, 'file'), '');
  await expect(makeDirectory(join(dir, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await rm(dir, { recursive: true });
});

it('gives up where nothing can be made, instead of trying for ever', async () => {
  await expect(makeDirectory('/proc/nowhere/at/all')).rejects.toMatchObject({ code: 'ENOENT' });
});
