import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { cleanStaging } from '../../src/clone/staging.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { type Nursery, newId, openNursery } from '../support/clones.ts';

let dir: string;
let template: string;
let nursery: Nursery;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-clone-'));
  template = await makeTemplate(join(dir, 'template'));
  nursery = await openNursery(join(dir, 'pool'), template);
});
afterEach(() => removeTree(dir));

const prepare = () => nursery.templates.prepare('default');
const staged = () => readdir(nursery.pool.paths.staging);
const visible = () => instancesOnDisk(nursery.pool);

it('is there once, however often it is brought up, and a second run changes nothing', async () => {
  const prepared = await prepare();
  const id = newId();
  const path = await nursery.clone(prepared, { id, params: { A: 1 } });
  await writeFile(join(path, 'work'), 'done');
  await Promise.all([1, 2, 3].map(() => nursery.clone(prepared, { id, params: { A: 2 } })));
  expect(await readFile(join(path, 'work'), 'utf8')).toBe('done');
  expect(await readFile(join(path, '.env.spica'), 'utf8')).toBe('MODEL=baseline\nA=1\n');
  expect(await visible()).toEqual([id]);
  expect(await staged()).toEqual([]);
});

it('is there once when two runs race', async () => {
  const prepared = await prepare();
  const id = newId();
  await Promise.all([nursery.clone(prepared, { id }), nursery.clone(prepared, { id })]);
  expect(await visible()).toEqual([id]);
  expect(await staged()).toEqual([]);
});

it.each<[string, (path: string) => Promise<unknown>]>([
  ['an empty directory', (path) => mkdir(path)],
  ['a file', (path) => writeFile(path, 'x')],
  ['a dangling link', (path) => symlink('nowhere', path)],
  ["another instance's directory", (path) => becomeAnother(path)],
])('never replaces %s that lies under its name', async (_, make) => {
  const prepared = await prepare();
  const id = newId();
  await make(nursery.pool.pathOf(id));
  const before = await lstat(nursery.pool.pathOf(id));
  await expect(nursery.clone(prepared, { id })).rejects.toMatchObject({ code: 'INSTANCE_EXISTS' });
  expect((await lstat(nursery.pool.pathOf(id))).ino).toBe(before.ino);
  expect(await staged()).toEqual([]);
});

it('leaves nothing behind when it is cancelled half-way', async () => {
  const prepared = await prepare();
  const cancelled = new AbortController();
  const cloning = nursery.clone(prepared, { signal: cancelled.signal });
  while ((await staged()).length === 0) await new Promise(setImmediate);
  cancelled.abort(new Error('enough'));
  await expect(cloning).rejects.toThrow('enough');
  expect(await staged()).toEqual([]);
  expect(await visible()).toEqual([]);
});

it('fails with what went wrong, and then what it could not remove', async (context) => {
  const { staging } = nursery.pool.paths;
  const prepared = await prepare();
  await rm(join(prepared.path, '.env.spica'));
  await symlink('nowhere', join(prepared.path, '.env.spica'));
  const { failed } = await execa('chattr', ['+a', '--', staging], { reject: false });
  if (failed) return context.skip('no directory can be made one that nothing is removed from');
  try {
    const failure = await nursery.clone(prepared, { params: { A: 1 } }).catch((error) => error);
    expect(failure).toMatchObject({ kind: 'check', code: 'ENV_FILE_INVALID' });
    expect(failure.message).toMatch(/; moreover, \S+: not deleted in full: .*Operation not permitted$/);
    const cancelled = new AbortController();
    const cloning = nursery.clone(prepared, { signal: cancelled.signal });
    while ((await staged()).length < 2) await new Promise(setImmediate);
    cancelled.abort('enough');
    await expect(cloning).rejects.toMatchObject({ cause: 'enough' });
    await expect(cloning).rejects.toThrow(/^enough; moreover, /);
  } finally {
    await execa('chattr', ['-a', '--', staging]);
  }
});

it('says that the snapshot is gone when somebody deleted it', async () => {
  const prepared = await prepare();
  await removeTree(prepared.path);
  await expect(nursery.clone(prepared)).rejects.toMatchObject({ code: 'SNAPSHOT_GONE' });
  expect(await staged()).toEqual([]);
});

it('has a manifest and a lineage of its own where the template was an instance once', async () => {
  const first = await nursery.clone(await prepare());
  await execa('cp', ['-a', '--', join(first, 'manifest.json'), join(first, 'lineage.json'), template]);
  const id = newId();
  const second = await nursery.clone(await prepare(), { id });
  for (const name of ['manifest.json', 'lineage.json'])
    expect(JSON.parse(await readFile(join(second, name), 'utf8')).spica_id).toBe(id);
});

it('cleans staging of what a crash left, closed directories and all', async () => {
  const { staging } = nursery.pool.paths;
  await mkdir(join(staging, `${newId()}.01234567`, 'deep'), { recursive: true });
  await mkdir(join(staging, `${newId()}.89abcdef`, 'closed'), { recursive: true, mode: 0o500 });
  await writeFile(join(staging, 'a file of nobody'), '');
  await cleanStaging(nursery.pool);
  expect(await staged()).toEqual([]);
});

describe('.env.spica', () => {
  const env = (path: string) => readFile(join(path, '.env.spica'), 'utf8');
  const params = { SEED: 7, NAME: 'a b="c"', ON: true, EMPTY: '' };
  const lines = `SEED=7\nNAME='a b="c"'\nON=true\nEMPTY=\n`;

  it.each([
    ['ends in a line break', 'A=1\n', `A=1\n${lines}`],
    ['does not', 'A=1', `A=1\n${lines}`],
    ['is empty', '', lines],
  ])('gets the parameters as lines of their own when it %s', async (_, before, after) => {
    await writeFile(join(template, '.env.spica'), before);
    const prepared = await prepare();
    expect(await env(await nursery.clone(prepared, { params }))).toBe(after);
    expect(await env(await nursery.clone(prepared))).toBe(before);
  });

  it('is not made where the template has none', async () => {
    await rm(join(template, '.env.spica'));
    const path = await nursery.clone(await prepare(), { params });
    expect(await readdir(path)).not.toContain('.env.spica');
  });

  it('keeps its mode when it is read-only', async () => {
    await rm(join(template, '.env.spica'));
    await writeFile(join(template, '.env.spica'), 'A=1\n', { mode: 0o400 });
    const path = await nursery.clone(await prepare(), { params });
    expect(await env(path)).toBe(`A=1\n${lines}`);
    expect((await lstat(join(path, '.env.spica'))).mode & 0o777).toBe(0o400);
  });

  it('is followed where it leads within the instance', async () => {
    await rm(join(template, '.env.spica'));
    await symlink('data/file-1', join(template, '.env.spica'));
    const path = await nursery.clone(await prepare(), { params });
    expect(await readFile(join(path, 'data/file-1'), 'utf8')).toBe(`${'x'.repeat(1000)}\n${lines}`);
  });

  it.each([
    ['leads out of the instance', '../../canary'],
    ['leads out of it by its full path', null],
    ['leads nowhere', 'nowhere'],
    ['leads to a directory', 'data'],
  ])('is refused when it %s, and nothing outside is touched', async (_, target) => {
    await writeFile(join(dir, 'canary'), 'alive');
    await rm(join(template, '.env.spica'));
    await symlink(target ?? join(dir, 'canary'), join(template, '.env.spica'));
    const prepared = await prepare();
    await expect(nursery.clone(prepared, { params })).rejects.toMatchObject({ code: 'ENV_FILE_INVALID' });
    expect(await readFile(join(dir, 'canary'), 'utf8')).toBe('alive');
    expect(await staged()).toEqual([]);
    await expect(nursery.clone(prepared)).resolves.toContain('spica-');
  });
});

async function becomeAnother(path: string): Promise<void> {
  await mkdir(path);
  const manifest = join(await nursery.clone(await prepare()), 'manifest.json');
  await writeFile(join(path, 'manifest.json'), await readFile(manifest));
}
