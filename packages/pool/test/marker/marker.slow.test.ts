import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { mountTmpfs } from '../../../../test/support/mount.ts';
import { checkMarker, initPool, openPool } from '../../src/index.ts';
import { describeTree } from '../support/oddities.ts';

const clock = { now: () => Date.UTC(2026, 0, 1) };

let dir: string;
let root: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-marker-'));
  root = join(dir, 'pool');
});
afterEach(() => rm(dir, { recursive: true }));

const init = (name = 'main', at = root) => initPool({ name, root: at, clock });
const open = (name = 'main', at = root) => openPool({ name, root: at });

it('makes a pool that can be opened again, by its name, with the same id', async () => {
  const made = await init();
  const opened = await open();
  expect(opened.id).toBe(made.id);
  expect(opened.name).toBe('main');
  await checkMarker(opened);
  expect(JSON.parse(await readFile(join(root, '.spica/pool.json'), 'utf8'))).toEqual({
    schema: 'spica.pool/v1',
    id: made.id,
    name: 'main',
    created_at: '2026-01-01T00:00:00.000Z',
  });
});

it('is made in a directory that is there already, and leaves alone what lies in it', async () => {
  await mkdir(root);
  await writeFile(join(root, 'notes.txt'), 'mine');
  const first = await init();
  expect((await init()).id).toBe(first.id);
  expect(await readFile(join(root, 'notes.txt'), 'utf8')).toBe('mine');
});

it('gets one id though it is made by several at once', async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, async () => (await init()).id));
  expect(new Set(ids).size).toBe(1);
  expect((await open()).id).toBe(ids[0]);
});

it('keeps its id wherever its disk is mounted', async () => {
  const { id } = await init();
  await rename(root, join(dir, 'elsewhere'));
  expect((await open('main', join(dir, 'elsewhere'))).id).toBe(id);
});

it('is refused where its root is missing, and nothing is made there', async () => {
  await expect(open()).rejects.toMatchObject({ code: 'POOL_ROOT_MISSING', kind: 'check' });
  await expect(open('main', join(dir, 'a', 'b'))).rejects.toMatchObject({ code: 'POOL_ROOT_MISSING' });
  expect(await readdir(dir)).toEqual([]);
});

it('is refused where its root, or what leads there, is a file', async () => {
  await writeFile(root, '');
  await expect(open()).rejects.toMatchObject({
    code: 'POOL_ROOT_INVALID',
    message: `pool main: root: expected a directory, but ${root} is no directory`,
  });
  await expect(init()).rejects.toMatchObject({ code: 'POOL_ROOT_INVALID' });
  await expect(open('main', join(root, 'below'))).rejects.toMatchObject({ code: 'POOL_ROOT_MISSING' });
  await expect(init('main', join(root, 'below'))).rejects.toMatchObject({ code: 'POOL_ROOT_MISSING' });
});

it.each(['', '/'])(
  'is refused where its root is a symbolic link, which could lead anywhere ("pool%s")',
  async (end) => {
    await init('main', join(dir, 'real'));
    await symlink(join(dir, 'real'), root);
    await expect(open('main', root + end)).rejects.toMatchObject({
      code: 'POOL_ROOT_INVALID',
      message: expect.stringContaining(`is a symbolic link (to ${join(dir, 'real')})`),
    });
    await expect(init('main', root + end)).rejects.toMatchObject({ code: 'POOL_ROOT_INVALID' });
  },
);

it('is refused where its root is a symbolic link to nowhere', async () => {
  await symlink(join(dir, 'nowhere'), root);
  await expect(open()).rejects.toMatchObject({ code: 'POOL_ROOT_INVALID' });
  await expect(init()).rejects.toMatchObject({ code: 'POOL_ROOT_INVALID' });
  expect(await readdir(dir)).toEqual(['pool']);
});

it('is never the whole filesystem', async () => {
  await expect(init('main', '/')).rejects.toMatchObject({ code: 'POOL_ROOT_INVALID', kind: 'usage' });
});

it('is refused without its marker, as an unmounted disk has none, and nothing is made there', async (context) => {
  const disk = await mountTmpfs({ bytes: 1_000_000 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  let mounted = true;
  onTestFinished(() => (mounted ? disk.unmount() : undefined));
  const pool = await init('main', disk.dir);
  await checkMarker(pool);
  await rename(join(disk.dir, '.spica'), join(disk.dir, 'gone'));
  const before = await describeTree(disk.dir);
  for (const look of [() => open('main', disk.dir), () => checkMarker(pool)]) {
    await expect(look()).rejects.toMatchObject({
      code: 'POOL_MARKER_MISSING',
      message: expect.stringContaining('not mounted'),
    });
  }
  expect(await describeTree(disk.dir)).toEqual(before);
  await disk.unmount();
  mounted = false;
  await expect(checkMarker(pool)).rejects.toMatchObject({ code: 'POOL_ROOT_MISSING' });
});

it('is refused under another name, and when another disk is mounted there', async () => {
  const pool = await init();
  await expect(open('other')).rejects.toMatchObject({
    code: 'POOL_MARKER_FOREIGN',
    message: expect.stringContaining(
      `pool other: ${root}/.spica/pool.json is that of the pool "main"; expected "other". Call it "main" in the config`,
    ),
  });
  await expect(init('other')).rejects.toMatchObject({ code: 'POOL_MARKER_FOREIGN' });
  await rm(root, { recursive: true });
  const replaced = await init();
  await expect(checkMarker(pool)).rejects.toMatchObject({
    code: 'POOL_MARKER_FOREIGN',
    message: expect.stringContaining(`carries the id ${replaced.id}, expected ${pool.id}`),
  });
});

it.each(['', '{', 'null', '{"schema":"spica.pool/v2"}'])(
  'is refused when its marker cannot be read: %j',
  async (text) => {
    await init();
    await writeFile(join(root, '.spica/pool.json'), text);
    await expect(open()).rejects.toMatchObject({ code: 'POOL_MARKER_INVALID' });
    await expect(init()).rejects.toMatchObject({ code: 'POOL_MARKER_INVALID' });
    expect(await readFile(join(root, '.spica/pool.json'), 'utf8')).toBe(text);
  },
);

it('is refused when its own directory is a symbolic link: the trash would lie elsewhere', async () => {
  await init();
  await cp(join(root, '.spica'), join(dir, 'outside'), { recursive: true });
  await rm(join(root, '.spica'), { recursive: true });
  await symlink(join(dir, 'outside'), join(root, '.spica'));
  await expect(open()).rejects.toMatchObject({ code: 'POOL_MARKER_INVALID' });
  await expect(init()).rejects.toMatchObject({ code: 'POOL_MARKER_INVALID' });
});

it.each([
  '../pool-two/spica-0123456789ab',
  '../pool-two',
  'spica-0123456789ab/../../pool-two',
  '..',
  '',
  '.spica',
  'spica-',
  'spica-XYZ',
  'spica-0123456789ab\n',
])('leads to nothing outside, a sibling whose name begins alike among it: %j', async (id) => {
  const pool = await init();
  await init('two', join(dir, 'pool-two'));
  expect(() => pool.pathOf(id)).toThrow(expect.objectContaining({ code: 'INSTANCE_ID_INVALID' }));
});
