import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { leaseTokenOf } from '../src/token.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'spica-secret-'));
  onTestFinished(() => rm(home, { recursive: true }));
});

const tokenOf = (pool: string, key: string) => leaseTokenOf(pool, key, { XDG_STATE_HOME: home });

it('is the same for a pool and a key, whoever makes the secret first, which only this user may read', async () => {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => tokenOf('main', 'sweep/3')));
  expect(new Set(tokens).size).toBe(1);
  expect(tokens[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(await tokenOf('other', 'sweep/3')).not.toBe(tokens[0]);
  expect(await readdir(join(home, 'spica'))).toEqual(['client-secret']);
  expect((await stat(join(home, 'spica', 'client-secret'))).mode & 0o777).toBe(0o600);
});

it('is not made of a secret that was cut off, which everybody could guess', async () => {
  await mkdir(join(home, 'spica'));
  await writeFile(join(home, 'spica', 'client-secret'), '');
  await expect(tokenOf('main', 'a')).rejects.toMatchObject({
    code: 'SECRET_UNUSABLE',
    message: expect.stringContaining('expected 64 hexadecimal digits'),
  });
});

it('says where the secret cannot be kept', async () => {
  await writeFile(join(home, 'spica'), 'no directory');
  await expect(tokenOf('main', 'a')).rejects.toMatchObject({
    code: 'SECRET_UNUSABLE',
    message: `${join(home, 'spica', 'client-secret')} can be neither read nor made (ENOTDIR)`,
  });
});
