import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonText } from '../../src/json-file.ts';
import type { Pool } from '../../src/layout.ts';
import { buildLineage, buildManifest } from '../../src/manifest/build.ts';
import { readLineage, readManifest, spawnedAtOf, verifyLineage } from '../../src/manifest/manifest.ts';
import { initPool } from '../../src/marker/init.ts';

const ID = 'spica-0123456789ab';
const SPAWNED_AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const LINEAGE = buildLineage({
  id: ID,
  parent: 'spica-00ff',
  originCommit: '89abcdef'.repeat(5),
  generation: 3,
  spawnedAt: SPAWNED_AT,
});
const MANIFEST = buildManifest({
  id: ID,
  prepared: { templateRef: 'git:89abcdef', version: '1.4.2' },
  lineage: LINEAGE,
  seed: 4_294_967_295,
  params: { MODEL: 'large', RATE: 0.5, ON: true },
  budget: { cpu: 4, ramGb: 8, vramGb: 0 },
  spawnedAt: SPAWNED_AT,
  notes: 'first\n"try"',
});

let dir: string;
let pool: Pool;
let path: (name: string) => string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-manifest-'));
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
  path = (name) => join(pool.pathOf(ID), name);
  await mkdir(pool.pathOf(ID));
  await writeFile(path('manifest.json'), jsonText(MANIFEST));
  await writeFile(path('lineage.json'), jsonText(LINEAGE));
});
afterEach(() => rm(dir, { recursive: true }));

it('is written in the agreed format, byte for byte', () => {
  const lineage = `{
  "spica_id": "spica-0123456789ab",
  "parent_id": "spica-00ff",
  "origin_commit": "89abcdef89abcdef89abcdef89abcdef89abcdef",
  "generation": 3,
  "spawned_at": "2026-01-02T03:04:05.000Z"
}
`;
  expect(jsonText(LINEAGE)).toBe(lineage);
  expect(jsonText(MANIFEST)).toBe(`{
  "schema": "spica.manifest/v1",
  "spica_id": "spica-0123456789ab",
  "template_ref": "git:89abcdef",
  "template_version": "1.4.2",
  "lineage_sha": "${createHash('sha256').update(lineage).digest('hex')}",
  "seed": 4294967295,
  "params": {
    "MODEL": "large",
    "RATE": 0.5,
    "ON": true
  },
  "budget": {
    "cpu": 4,
    "ram_gb": 8,
    "vram_gb": 0
  },
  "spawned_at": "2026-01-02T03:04:05.000Z",
  "notes": "first\\n\\"try\\""
}
`);
});

it('reads back what was written', async () => {
  expect(await readManifest(pool, ID)).toEqual(MANIFEST);
  expect(await readLineage(pool, ID)).toEqual(LINEAGE);
  const { ok, expected, actual } = await verifyLineage(pool, ID);
  expect({ ok, actual }).toEqual({ ok: true, actual: expected });
});

it('notices a lineage that was changed by a byte', async () => {
  await appendFile(path('lineage.json'), '\n');
  const { ok, expected, actual } = await verifyLineage(pool, ID);
  expect({ ok, expected }).toEqual({ ok: false, expected: MANIFEST.lineage_sha });
  expect(actual).toBe(
    createHash('sha256')
      .update(await readFile(path('lineage.json')))
      .digest('hex'),
  );
});

it('takes a time that cannot be read as no time, not as no manifest', async () => {
  await writeFile(path('manifest.json'), JSON.stringify({ ...MANIFEST, spawned_at: 'yesterday' }));
  const manifest = await readManifest(pool, ID);
  expect(manifest && spawnedAtOf(manifest)).toBeNull();
  expect(spawnedAtOf(MANIFEST)).toBe(SPAWNED_AT);
  expect(spawnedAtOf({ spawned_at: '2026-01-02T03:04:05+00:00' })).toBe(SPAWNED_AT);
});

it('takes in instances of other makers that say more than is known', async () => {
  const other = { ...MANIFEST, params: { nested: { a: [1] } }, host: 'elsewhere' };
  await writeFile(path('manifest.json'), JSON.stringify(other));
  expect(await readManifest(pool, ID)).toMatchObject({ params: { nested: { a: [1] } } });
});

it('is null where there is none, also where there is no instance', async () => {
  await rm(path('manifest.json'));
  expect(await readManifest(pool, ID)).toBeNull();
  expect(await readLineage(pool, 'spica-ffff')).toBeNull();
  await expect(verifyLineage(pool, ID)).rejects.toMatchObject({ code: 'MANIFEST_MISSING' });
  await writeFile(path('manifest.json'), jsonText(MANIFEST));
  await rm(path('lineage.json'));
  await expect(verifyLineage(pool, ID)).rejects.toMatchObject({ code: 'LINEAGE_MISSING' });
  await expect(readManifest(pool, '../evil')).rejects.toMatchObject({ code: 'INSTANCE_ID_INVALID' });
});

describe.each([
  ['manifest.json', readManifest, 'MANIFEST_INVALID'],
  ['lineage.json', readLineage, 'LINEAGE_INVALID'],
] as const)('a broken %s is refused by its path, with the reason', (name, read, code) => {
  it.each<[string, RegExp, () => Promise<unknown>]>([
    ['torn', /expected JSON/, () => writeFile(path(name), '{"schema": "spi')],
    ['of another shape', /spawned_at: /, () => writeFile(path(name), without('spawned_at'))],
    ['no object', /expected object/, () => writeFile(path(name), '[]')],
    ['a link to the outside', /symbolic link/, () => become(() => symlink('/etc/passwd', path(name)))],
    ['a directory', /expected a file/, () => become(() => mkdir(path(name)))],
    ['a pipe that nobody writes to', /expected a file/, () => become(() => execa('mkfifo', [path(name)]))],
  ])('when it is %s', async (_, reason, spoil) => {
    await spoil();
    await expect(read(pool, ID)).rejects.toMatchObject({ kind: 'check', code });
    await expect(read(pool, ID)).rejects.toThrow(reason);
    await expect(read(pool, ID)).rejects.toThrow(path(name));
  });

  const without = (key: string) => {
    const whole: Record<string, unknown> = name === 'manifest.json' ? MANIFEST : LINEAGE;
    return JSON.stringify({ ...whole, [key]: undefined });
  };

  async function become(make: () => Promise<unknown>): Promise<void> {
    await rm(path(name));
    await make();
  }
});
