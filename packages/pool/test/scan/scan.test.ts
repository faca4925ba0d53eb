import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { initPool, type Manifest, type Pool, scanPool, writeRecord } from '../../src/index.ts';
import { aRecord } from '../support/record.ts';

const ID = 'spica-0123456789ab';
const SPAWNED_AT = '2026-01-02T03:04:05.000Z';

let dir: string;
let pool: Pool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-scan-'));
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: { now: () => 0 } });
});
afterEach(() => rm(dir, { recursive: true }));

const recordPath = (id: string) => join(pool.paths.records, `${id}.json`);

async function makeInstance(name: string, change: Partial<Manifest> = {}): Promise<void> {
  const manifest: Manifest = {
    schema: 'spica.manifest/v1',
    spica_id: name,
    template_ref: 'git:unknown',
    template_version: '1.0.0',
    lineage_sha: '0'.repeat(64),
    seed: 1,
    params: {},
    budget: { cpu: 4, ram_gb: 8, vram_gb: 8 },
    spawned_at: SPAWNED_AT,
    notes: '',
    ...change,
  };
  await mkdir(pool.pathOf(name));
  await writeFile(join(pool.pathOf(name), 'manifest.json'), JSON.stringify(manifest));
}

it('finds instances by their name and manifest, whoever made them', async () => {
  await makeInstance(ID);
  await makeInstance('spica-ffffffffffff', { spawned_at: 'yesterday' });
  const { instances, unknownDirectories } = await scanPool(pool);
  expect(unknownDirectories).toEqual([]);
  expect(new Map(instances.map(({ id, manifest }) => [id, manifest?.spawned_at]))).toEqual(
    new Map([
      [ID, SPAWNED_AT],
      ['spica-ffffffffffff', 'yesterday'],
    ]),
  );
});

it('reports why something is not an instance, and fails for none of it', async () => {
  const at = (name: string) => join(pool.paths.root, name);
  await makeInstance(ID);
  await writeFile(at('notes.txt'), '');
  await mkdir(at('spica-backup'));
  await writeFile(at('spica-00000000000a'), '');
  await symlink(at(ID), at('spica-00000000000b'));
  await mkdir(at('spica-00000000000c'));
  await mkdir(at('spica-00000000000d/manifest.json'), { recursive: true });
  await mkdir(at('spica-00000000000e'));
  await writeFile(at('spica-00000000000e/manifest.json'), '{"schema":');
  await makeInstance('spica-00000000000f', { spica_id: ID });
  await mkdir(at('spica-000000000010'));
  await execa('mkfifo', [at('spica-000000000010/manifest.json')]);
  await mkdir(at('spica-000000000011'));
  await writeFile(at('spica-000000000011/manifest.json'), ''); // a power cut leaves that
  await mkdir(Buffer.concat([Buffer.from(at('spica-')), Buffer.from([0xff])]));
  const { instances, unknownDirectories } = await scanPool(pool);
  expect(instances.map(({ id }) => id)).toEqual([ID]);
  const reasons = Object.fromEntries(unknownDirectories.map(({ name, reason }) => [name, reason]));
  expect(reasons).toEqual({
    'notes.txt': "its name is not an instance's",
    'spica-backup': "its name is not an instance's",
    'spica-\ufffd': "its name is not an instance's",
    'spica-00000000000a': 'it is not a directory',
    'spica-00000000000b': 'it is not a directory',
    'spica-00000000000c': 'it has no manifest.json',
    'spica-00000000000d': expect.stringContaining('expected a file'),
    'spica-00000000000e': expect.stringContaining('expected JSON'),
    'spica-00000000000f': `its manifest is that of ${ID}`,
    'spica-000000000010': expect.stringContaining('expected a file'),
    'spica-000000000011': expect.stringContaining('expected JSON'),
  });
});

it('knows an instance without a readable manifest by its record, if that is whole and its own', async () => {
  const removed = 'spica-00000000000a';
  const torn = 'spica-00000000000b';
  const unrecorded = 'spica-00000000000c';
  for (const id of [removed, torn, unrecorded, ID]) await mkdir(pool.pathOf(id));
  await writeFile(join(pool.pathOf(torn), 'manifest.json'), '{"schema":');
  for (const id of [removed, torn, 'spica-00000000dead']) await writeRecord(pool, aRecord(id));
  await rename(recordPath('spica-00000000dead'), recordPath(ID));
  await writeFile(recordPath(unrecorded), '{');
  const { instances, unknownDirectories } = await scanPool(pool);
  expect(instances.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
    { id: removed, manifest: null },
    { id: torn, manifest: null },
  ]);
  expect(unknownDirectories.map(({ name }) => name).sort()).toEqual([ID, unrecorded].sort());
});

it('passes over those that are known, unread', async () => {
  await mkdir(join(pool.paths.root, ID)); // without a manifest it would be unknown
  expect(await scanPool(pool, async (names) => names.filter((name) => name !== ID))).toEqual({
    instances: [],
    unknownDirectories: [],
  });
});

it('says nothing of what goes while it looks', async () => {
  await mkdir(join(pool.paths.root, ID));
  const unlisted = async (names: readonly string[]) => {
    await rm(join(pool.paths.root, ID), { recursive: true });
    return names;
  };
  expect(await scanPool(pool, unlisted)).toEqual({ instances: [], unknownDirectories: [] });
});

it('asks about a thousand names at a time, of all of them', async () => {
  const names = Array.from({ length: 2_001 }, (_, i) => `other-${i}`);
  await Promise.all(names.map((name) => mkdir(join(pool.paths.root, name))));
  const asked: (readonly string[])[] = [];
  const { unknownDirectories } = await scanPool(pool, async (some) => {
    asked.push(some);
    return some.filter((name) => name === 'other-2000');
  });
  expect(asked.map(({ length }) => length)).toEqual([1_000, 1_000, 1]);
  expect(asked.flat().toSorted()).toEqual(names.toSorted());
  expect(unknownDirectories.map(({ name }) => name)).toEqual(['other-2000']);
});
