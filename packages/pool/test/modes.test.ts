import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { initPool, makeStateDirPrivate, setPoolModes } from '../src/index.ts';

const clock = { now: () => Date.UTC(2026, 0, 1) };

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-modes-'));
});
afterEach(() => rm(dir, { recursive: true }));

const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8);

async function modesOf(root: string) {
  const names = ['', 'pool.json', 'templates', 'staging', 'trash', 'records', 'set-ups'];
  const modes = await Promise.all(names.map((name) => modeOf(join(root, '.spica', name))));
  return Object.fromEntries(names.map((name, at) => [name, modes[at]]));
}

const CLOSED = { templates: '700', staging: '700', trash: '700', records: '700', 'set-ups': '700' };

it.each([
  [0o000, { '': '777', 'pool.json': '666' }],
  [0o022, { '': '755', 'pool.json': '644' }],
  [0o077, { '': '755', 'pool.json': '644' }],
])('a new pool hides what may hold parameters and shows its marker, with umask %o', async (umask, shown) => {
  const before = process.umask(umask);
  onTestFinished(() => void process.umask(before));
  await initPool({ name: 'main', root: join(dir, 'pool'), clock });
  expect(await modesOf(join(dir, 'pool'))).toEqual({ ...CLOSED, ...shown });
});

it('a pool of before is tightened, and what its owner allowed to a group stays where it hides nothing', async () => {
  const { paths } = await initPool({ name: 'main', root: join(dir, 'pool'), clock });
  for (const path of [paths.templates, paths.staging, paths.trash, paths.records, paths.setUps])
    await chmod(path, 0o755);
  await chmod(paths.own, 0o2770);
  await chmod(paths.marker, 0o600);
  expect(await setPoolModes(paths)).toEqual([]);
  expect(await modesOf(paths.root)).toEqual({ ...CLOSED, '': '2775', 'pool.json': '644' });
});

it("the state directory is its owner's alone, unless it serves others too", async () => {
  const state = join(dir, 'state');
  await makeStateDirPrivate(state);
  expect(await modeOf(state)).toBe('700');
  await chmod(state, 0o755);
  await mkdir(join(state, 'redis'));
  for (const name of ['audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.lock', 'redis.sock']) {
    await writeFile(join(state, name), '');
  }
  await makeStateDirPrivate(state);
  expect(await modeOf(state)).toBe('700');
  await chmod(state, 0o755);
  await writeFile(join(state, 'notes.txt'), '');
  await makeStateDirPrivate(state);
  expect(await modeOf(state)).toBe('755');
});
