import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import {
  emptyTrash,
  initPool,
  listTrash,
  type Pool,
  restoreFromTrash,
  type TrashNote,
  trashInstance,
} from '../../src/index.ts';
import { sweepTrash } from '../../src/trash/entry.ts';
import { asUser } from '../support/as-user.ts';
import { describeTree, makeOddities } from '../support/oddities.ts';

const ID = 'spica-0123456789ab';
const NOTE: TrashNote = { reason: 'too old', request: null, bytes: 4096, record: null, failure: null };

let dir: string;
let pool: Pool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-trash-'));
  await chmod(dir, 0o755);
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: { now: () => 0 } });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function makeInstance(id = ID): Promise<string> {
  await mkdir(pool.pathOf(id));
  await writeFile(join(pool.pathOf(id), 'manifest.json'), '{}');
  return pool.pathOf(id);
}

function trash(id = ID, at = 1_000) {
  return trashInstance(pool, id, { at, note: NOTE });
}

it('takes an instance out of sight with a note of why, and lists it, the oldest first', async () => {
  await makeInstance();
  await makeInstance('spica-ffffffffffff');
  await trash('spica-ffffffffffff', 2_000);
  const entry = await trash(ID, 1_000);
  expect(await instancesOnDisk(pool)).toEqual([]);
  const listed = await listTrash(pool);
  expect(listed.map(({ id, trashedAt, isDeletionBegun }) => [id, trashedAt, isDeletionBegun])).toEqual([
    [ID, 1_000, false],
    ['spica-ffffffffffff', 2_000, false],
  ]);
  expect(listed[0]).toEqual(entry);
  expect(listed[0]?.note).toEqual(NOTE);
});

it('lists what was trashed at a time with a fraction', async () => {
  await makeInstance();
  const entry = await trash(ID, 1_000.25);
  expect(await listTrash(pool)).toEqual([entry]);
});

it('does nothing for an instance that is gone already', async () => {
  expect(await trash()).toBeNull();
  expect(await readdir(pool.paths.trash)).toEqual([]);
});

it.each(['../pool', 'spica-0123456789ab/..', '.spica', '', '/etc'])(
  'refuses %j, which is no id',
  async (id) => {
    await expect(trash(id)).rejects.toMatchObject({ code: 'INSTANCE_ID_INVALID' });
  },
);

it("refuses a symbolic link or a file in an instance's place, and leaves what it leads to alone", async () => {
  const canary = join(dir, 'canary');
  await mkdir(canary);
  await symlink(canary, pool.pathOf(ID));
  await writeFile(pool.pathOf('spica-ffffffffffff'), '');
  await expect(trash()).rejects.toMatchObject({
    code: 'INSTANCE_NOT_DIRECTORY',
    message: expect.stringContaining('a symbolic link'),
  });
  await expect(trash('spica-ffffffffffff')).rejects.toMatchObject({ code: 'INSTANCE_NOT_DIRECTORY' });
  expect((await stat(canary)).isDirectory()).toBe(true);
  expect(await readdir(pool.paths.trash)).toEqual([]);
});

it('brings an instance back whole, with all its oddities', async () => {
  await makeOddities(await makeInstance());
  const before = await describeTree(pool.pathOf(ID));
  const entry = await trash();
  if (entry) await restoreFromTrash(pool, entry);
  expect(await describeTree(pool.pathOf(ID))).toEqual(before);
  expect(await readdir(pool.paths.trash)).toEqual([]);
});

it('deletes an instance for good, with its note', async () => {
  await makeOddities(await makeInstance());
  const entry = await trash();
  expect(entry && (await emptyTrash(entry))).toBe(true);
  expect(await readdir(pool.paths.trash)).toEqual([]);
  expect(entry && (await emptyTrash(entry))).toBe(false);
});

it('restores nothing over an instance that is there', async () => {
  await makeInstance();
  const entry = await trash();
  await makeInstance();
  await expect(entry && restoreFromTrash(pool, entry)).rejects.toMatchObject({ code: 'INSTANCE_EXISTS' });
  expect(await listTrash(pool)).toHaveLength(1);
});

it('restores nothing that was deleted, or restored, meanwhile', async () => {
  await makeInstance();
  const entry = await trash();
  if (!entry) throw new Error('it was there');
  await restoreFromTrash(pool, entry);
  await expect(restoreFromTrash(pool, entry)).rejects.toMatchObject({ code: 'INSTANCE_EXISTS' });
  await rm(pool.pathOf(ID), { recursive: true });
  await expect(restoreFromTrash(pool, entry)).rejects.toMatchObject({ code: 'TRASH_GONE' });
});

it('does not delete what was restored after the trash was listed', async () => {
  await makeInstance();
  const entry = await trash();
  if (!entry) throw new Error('it was there');
  await restoreFromTrash(pool, entry);
  expect(await emptyTrash(entry)).toBe(false);
  expect(await readdir(pool.pathOf(ID))).toEqual(['manifest.json']);
});

it('restores nothing whose deletion has begun, and goes on with that at the next run', async () => {
  await makeInstance();
  const entry = await trash();
  if (!entry) throw new Error('it was there');
  await rename(entry.path, `${entry.path}.deleting`); // a crash just after it had begun
  await expect(restoreFromTrash(pool, entry)).rejects.toMatchObject({ code: 'TRASH_GONE' });
  const [listed] = await listTrash(pool);
  expect(listed).toMatchObject({ id: ID, name: entry.name, isDeletionBegun: true, note: NOTE });
  if (!listed) throw new Error('it was listed');
  await expect(restoreFromTrash(pool, listed)).rejects.toMatchObject({
    code: 'TRASH_GONE',
    message: `instance ${ID}: it cannot be restored: its deletion has begun`,
  });
  expect(await emptyTrash(listed)).toBe(true);
  expect(await readdir(pool.paths.trash)).toEqual([]);
});

it('lists what has no note, or a torn one, and leaves alone what is not of its making', async () => {
  await mkdir(join(pool.paths.trash, 'somebody-else'));
  await makeInstance();
  const entry = await trash();
  if (!entry) throw new Error('it was there');
  await writeFile(`${entry.path}.json`, '{"schema":"spica.tr');
  expect(await listTrash(pool)).toEqual([{ ...entry, note: null }]);
  await rm(`${entry.path}.json`);
  expect(await listTrash(pool)).toEqual([{ ...entry, note: null }]);
});

it('sweeps up what crashes leave: notes of nothing, and drafts of notes', async () => {
  await makeInstance();
  const entry = await trash();
  if (!entry) throw new Error('it was there');
  const orphan = `spica-ffffffffffff.5.00000000.json`;
  for (const name of [orphan, `${orphan}.4711-00000000.tmp`, 'foreign.json']) {
    await writeFile(join(pool.paths.trash, name), '');
  }
  await sweepTrash(pool);
  const kept = [entry.name, `${entry.name}.json`, 'foreign.json'];
  expect((await readdir(pool.paths.trash)).sort()).toEqual(kept.sort());
});

it('moves a read-only instance of an ordinary user to the trash and back as it is', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
  await chmod(await makeInstance(), 0o555);
  await asUser(pool.paths.root, async () => {
    const entry = await trash();
    if (!entry) throw new Error('it was there');
    expect((await stat(entry.path)).mode & 0o777).toBe(0o555);
    await restoreFromTrash(pool, entry);
    expect((await stat(pool.pathOf(ID))).mode & 0o777).toBe(0o555);
    const again = await trash();
    expect(again && (await emptyTrash(again))).toBe(true);
  });
});

it('moves no instance that belongs to another user, says why, and leaves no note', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
  const path = await makeInstance();
  await asUser(pool.paths.own, async () => {
    await expect(trash()).rejects.toMatchObject({ code: 'RENAME_FAILED' });
  });
  expect(await readFile(join(path, 'manifest.json'), 'utf8')).toBe('{}');
  expect(await readdir(pool.paths.trash)).toEqual([]);
});
