import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tryFileLock, withFileLock } from '../../src/claim/file-lock.ts';
import { type Child, startChild } from '../child.ts';

const HOLD = new URL('./hold-lock.ts', import.meta.url);
const TAKE_TURNS = new URL('./alternate.ts', import.meta.url);

let dir: string;
let lock: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-lock-'));
  lock = join(dir, 'lock');
});
afterEach(() => rm(dir, { recursive: true }));

async function startHolder(path: string): Promise<Child> {
  const child = startChild(HOLD, [path]);
  await child.next();
  return child;
}

it('lets one at a time work, of calls in one process too', async () => {
  let inside = 0;
  await Promise.all(
    Array.from({ length: 20 }, () =>
      withFileLock(lock, async () => {
        inside += 1;
        expect(inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      }),
    ),
  );
});

it('lets one process at a time work', async () => {
  const counter = join(dir, 'counter');
  await writeFile(counter, '0');
  const children = [1, 2, 3].map(() => startChild(TAKE_TURNS, [lock, counter, '100']));
  await Promise.all(children.map(({ ended }) => ended));
  expect(await readFile(counter, 'utf8')).toBe('300');
});

it('is let go of when the work fails', async () => {
  await expect(withFileLock(lock, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await withFileLock(lock, async () => undefined);
});

it('is taken over from a process that was killed, by one of many', async () => {
  const counter = join(dir, 'counter');
  await writeFile(counter, '0');
  for (let round = 0; round < 2; round += 1) {
    const holder = await startHolder(lock);
    const children = [1, 2].map(() => startChild(TAKE_TURNS, [lock, counter, '20']));
    await holder.kill();
    await Promise.all(children.map(({ ended }) => ended));
  }
  expect(await readFile(counter, 'utf8')).toBe('80');
});

it.each<[string, () => Promise<unknown>, string]>([
  ['a directory', () => mkdir(lock), 'EISDIR'],
  ['a symbolic link', () => symlink('elsewhere', lock), 'ELOOP'],
])('is not taken where %s is in its place', async (_, make, code) => {
  await make();
  await expect(withFileLock(lock, async () => undefined)).rejects.toMatchObject({ code, path: lock });
});

it('waits for a living holder, and says who that is after five seconds', async () => {
  const holder = await startHolder(lock);
  await expect(withFileLock(lock, async () => undefined)).rejects.toMatchObject({
    code: 'LOCKED',
    message: expect.stringContaining(`process ${holder.pid}`),
  });
});

it('is not held by whoever locked a file that is not at its path any more', async () => {
  const first = tryFileLock(lock) ?? expect.fail('nobody has it');
  expect(first.isInPlace()).toBe(true);
  expect(tryFileLock(lock)).toBeNull();
  await rm(lock);
  expect(first.isInPlace()).toBe(false);
  const second = tryFileLock(lock) ?? expect.fail('nobody has it');
  expect([first.isInPlace(), second.isInPlace()]).toEqual([false, true]);
  first.release();
  second.release();
});
