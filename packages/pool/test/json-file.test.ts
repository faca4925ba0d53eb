import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { jsonFile } from '../src/json-file.ts';
import { asUser } from './support/as-user.ts';

const file = jsonFile({
  schema: z.strictObject({ n: z.int() }),
  code: 'THING_INVALID',
  is: 'a thing',
  remedy: 'remove it',
  mostBytes: 100,
});

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-json-'));
  await chmod(dir, 0o755);
  path = join(dir, 'thing.json');
});
afterEach(() => rm(dir, { recursive: true }));

it('reads what it wrote, and takes a file that is not there for none', async () => {
  expect(await file.load(path)).toBeNull();
  expect(await file.loadIfValid(path)).toBeNull();
  expect(await file.loadBytes(path)).toBeNull();
  await file.save(path, { n: 7 });
  expect(await file.load(path)).toEqual({ n: 7 });
  expect(await file.loadIfValid(path)).toEqual({ n: 7 });
  expect(await readFile(path, 'utf8')).toBe('{\n  "n": 7\n}\n');
  expect(await readdir(dir)).toEqual(['thing.json']);
});

describe('a file that is none of its kind', () => {
  it.each<[string, string, () => Promise<unknown>]>([
    ['torn', 'is not a thing: expected JSON: ', () => writeFile(path, '{"n":')],
    [
      'of another shape',
      'is not a thing: n: Invalid input: expected number',
      () => writeFile(path, '{"n":"x"}'),
    ],
    ['too large', 'expected at most 100 bytes, got 107', () => writeFile(path, `{"n":1}${' '.repeat(100)}`)],
    ['a link', 'expected a file, got a symbolic link', () => symlink('/etc/passwd', path)],
    ['a directory', 'expected a file', () => mkdir(path)],
    ['a pipe that nobody writes to', 'expected a file', () => execa('mkfifo', [path])],
  ])(
    'is refused by its path, with the reason and the remedy, or passed over: %s',
    async (_, reason, make) => {
      await make();
      const failure = await file.load(path).catch((error: unknown) => error);
      expect(failure).toMatchObject({ kind: 'check', code: 'THING_INVALID' });
      expect(String(failure)).toContain(path);
      expect(String(failure)).toContain(reason);
      expect(String(failure)).toContain('; remove it');
      expect(await file.loadIfValid(path)).toBeNull();
    },
  );
});

it('does not pass over a file that is there and cannot be read', async ({ skip }) => {
  if (process.getuid?.() !== 0) return skip('becoming another user needs root');
  await file.save(path, { n: 7 });
  await chmod(path, 0o000);
  await asUser(null, async () => {
    await expect(file.loadIfValid(path)).rejects.toMatchObject({ code: 'EACCES' });
    await expect(file.load(path)).rejects.toMatchObject({ code: 'THING_INVALID' });
  });
});
