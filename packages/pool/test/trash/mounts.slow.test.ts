import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { emptyTrash, initPool, listTrash, type Pool, trashInstance } from '../../src/index.ts';

const ID = 'spica-0123456789ab';
const NOTED = {
  at: 1_000,
  note: { reason: 'too old', request: null, bytes: null, record: null, failure: null },
};

let dir: string;
let canary: string;
let mounted: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-mounts-'));
  canary = join(dir, 'canary');
  await mkdir(canary);
  await writeFile(join(canary, 'alive'), 'yes');
  mounted = [];
});
afterEach(async () => {
  for (const point of mounted.reverse()) await execa('umount', ['--', point]);
  await rm(dir, { recursive: true });
});

/** A pool at `root` with one instance. */
async function makePool(root: string): Promise<Pool> {
  const pool = await initPool({ name: 'main', root, clock: { now: () => 0 } });
  await mkdir(pool.pathOf(ID));
  await writeFile(join(pool.pathOf(ID), 'file'), 'here');
  return pool;
}

/** Mounts the canary, which is of the same filesystem, at `point`. Why it cannot, or null. */
async function bindCanary(point: string): Promise<string | null> {
  await mkdir(point);
  const { failed, stderr } = await execa('mount', ['--bind', canary, point], { reject: false });
  if (failed) return `no bind mount can be made here: ${stderr}`;
  mounted.push(point);
  return null;
}

async function expectUntouched(instance: string): Promise<void> {
  expect(await readFile(join(canary, 'alive'), 'utf8')).toBe('yes');
  expect(await readFile(join(instance, 'file'), 'utf8')).toBe('here');
}

it.for(['mnt', 'with a space\tand\\more', 'line\nbreak'])(
  'refuses an instance with a bind mount at %j, named, before anything is touched',
  async (name, context) => {
    const pool = await makePool(join(dir, 'pool'));
    const point = join(pool.pathOf(ID), name);
    const skipped = await bindCanary(point);
    if (skipped) return context.skip(skipped);
    const mount = await realpath(point);
    await expect(trashInstance(pool, ID, NOTED)).rejects.toMatchObject({
      code: 'MOUNT_INSIDE',
      message: `instance ${ID}: something is mounted in it: ${mount}; unmount it first, nothing was touched`,
    });
    await expectUntouched(pool.pathOf(ID));
    expect(await readdir(pool.paths.trash)).toEqual([]);
  },
);

it('sees a mount though a symbolic link leads to the pool', async (context) => {
  await mkdir(join(dir, 'disk'));
  await symlink(join(dir, 'disk'), join(dir, 'link'));
  const pool = await makePool(join(dir, 'link', 'pool'));
  const skipped = await bindCanary(join(pool.pathOf(ID), 'mnt'));
  if (skipped) return context.skip(skipped);
  await expect(trashInstance(pool, ID, NOTED)).rejects.toMatchObject({ code: 'MOUNT_INSIDE' });
  await expectUntouched(pool.pathOf(ID));
});

it('does not mind a mount in another instance whose name begins alike', async (context) => {
  const pool = await makePool(join(dir, 'pool'));
  await mkdir(pool.pathOf(`${ID}cd`));
  const skipped = await bindCanary(join(pool.pathOf(`${ID}cd`), 'mnt'));
  if (skipped) return context.skip(skipped);
  expect(await trashInstance(pool, ID, NOTED)).not.toBeNull();
});

it('deletes nothing of what something was mounted in while it lay in the trash', async (context) => {
  const pool = await makePool(join(dir, 'pool'));
  const entry = await trashInstance(pool, ID, NOTED);
  if (!entry) throw new Error('it was there');
  const skipped = await bindCanary(join(entry.path, 'mnt'));
  if (skipped) return context.skip(skipped);
  await expect(emptyTrash(entry)).rejects.toMatchObject({ code: 'MOUNT_INSIDE' });
  await expectUntouched(entry.path);
  expect(await listTrash(pool)).toEqual([entry]);
  await execa('umount', ['--', mounted.pop() ?? '']);
  await rename(canary, `${canary}-kept`);
  expect(await emptyTrash(entry)).toBe(true);
});
