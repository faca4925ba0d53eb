import {
  chmod,
  lutimes,
  mkdir,
  mkdtemp,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initPool, type Pool, readLockFile } from '../../src/index.ts';
import { asUser } from '../support/as-user.ts';

const ID = 'spica-0123456789ab';
const HOUR_MS = 3_600_000;
const STARTED_AT = 1_700_000_000;
const MTIME = 1_700_000_500;

let dir: string;
let pool: Pool;
let lock: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-lock-file-'));
  await chmod(dir, 0o755);
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: { now: () => 0 } });
  await mkdir(pool.pathOf(ID));
  lock = join(pool.pathOf(ID), '.tournament_lock');
});
afterEach(() => rm(dir, { recursive: true }));

/** As seen long after the times of most tests. */
async function lockedUntil(id: string, now = Date.now()): Promise<number | null> {
  return (await readLockFile(pool, id, now))?.until ?? null;
}

it('protects for an hour from when it says that it was started', async () => {
  await writeFile(lock, JSON.stringify({ started_at: STARTED_AT + 0.25, host: 'any' }));
  await utimes(lock, MTIME, MTIME);
  expect(await lockedUntil(ID)).toBe((STARTED_AT + 0.25) * 1000 + HOUR_MS);
});

it('protects nothing where it is not', async () => {
  expect(await lockedUntil(ID)).toBeNull();
  expect(await lockedUntil('spica-ffffffffffff')).toBeNull();
});

it.each([
  ['is empty', ''],
  ['is half written', '{"started_at": 17000'],
  ['is of another form', '["started_at"]'],
  ['is null', 'null'],
  ['has a time as text', '{"started_at": "1700000000"}'],
  ['has no time', '{"pid": 4711}'],
  ['has a time without end', '{"started_at": 1e400}'],
  ['has a time in milliseconds', '{"started_at": 1700000000000}'],
  ['holds no text', '\0\0\0'],
  ['is large', `{"started_at": ${STARTED_AT}, "rest": "${'x'.repeat(100_000)}"}`],
])('protects for an hour from its mtime when it %s', async (_what, text) => {
  await writeFile(lock, text);
  await utimes(lock, MTIME, MTIME);
  expect(await lockedUntil(ID)).toBe(MTIME * 1000 + HOUR_MS);
});

it('is not read in full when it is huge', async () => {
  await writeFile(lock, '');
  await truncate(lock, 1e12);
  await utimes(lock, MTIME, MTIME);
  expect(await lockedUntil(ID)).toBe(MTIME * 1000 + HOUR_MS);
});

it('protects by its mtime when it is a directory', async () => {
  await mkdir(lock);
  await utimes(lock, MTIME, MTIME);
  expect(await lockedUntil(ID)).toBe(MTIME * 1000 + HOUR_MS);
});

it('protects by its mtime when it is a pipe, which nobody may ever write to', async () => {
  await execa('mkfifo', [lock]);
  await utimes(lock, MTIME, MTIME);
  expect(await lockedUntil(ID)).toBe(MTIME * 1000 + HOUR_MS);
});

it.each(['/nowhere', '/dev/zero', 'manifest.json'])(
  'protects by its own mtime when it is a symbolic link to %s',
  async (target) => {
    await writeFile(join(pool.pathOf(ID), 'manifest.json'), JSON.stringify({ started_at: 1 }));
    await symlink(target, lock);
    await lutimes(lock, MTIME, MTIME);
    expect(await lockedUntil(ID)).toBe(MTIME * 1000 + HOUR_MS);
  },
);

it('says so when nobody can tell whether there is one', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
  await chmod(pool.pathOf(ID), 0o700);
  await asUser(null, async () => {
    await expect(lockedUntil(ID)).rejects.toMatchObject({ code: 'LOCK_FILE_UNREADABLE' });
  });
});

describe('protects no longer than an hour from now', () => {
  const FUTURE = Date.UTC(2031, 0, 1) / 1000;

  it.each([
    ['its mtime lies in the future', '', 'its mtime, 2031-01-01T00:00:00.000Z, lies in the future'],
    [
      'its mtime and its start lie in the future',
      JSON.stringify({ started_at: FUTURE }),
      'its started_at lies in the future',
    ],
  ])('where %s: from when it was put there', async (_, text, doubt) => {
    await writeFile(lock, text);
    await utimes(lock, FUTURE, FUTURE);
    const { ctimeMs } = await stat(lock);
    for (const later of [0, HOUR_MS]) {
      expect(await readLockFile(pool, ID, Math.ceil(ctimeMs) + later)).toEqual({
        until: Math.round(ctimeMs + HOUR_MS),
        doubt,
      });
    }
  });

  it('where its start lies in the future: from its mtime', async () => {
    await writeFile(lock, JSON.stringify({ started_at: FUTURE }));
    await utimes(lock, MTIME, MTIME);
    const doubt = 'its started_at lies in the future';
    expect(await readLockFile(pool, ID, Date.now())).toEqual({ until: MTIME * 1000 + HOUR_MS, doubt });
  });

  it('where all that is known of it lies in the future: the clock was set back', async () => {
    await writeFile(lock, '');
    expect(await lockedUntil(ID, MTIME * 1000)).toBe(MTIME * 1000 + HOUR_MS);
  });
});

it('has no doubt in a lock file whose times are in order', async () => {
  await writeFile(lock, JSON.stringify({ started_at: STARTED_AT }));
  expect(await readLockFile(pool, ID, Date.now())).toMatchObject({ doubt: null });
});
