import { link, mkdtemp, readdir, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fillTmpfs } from '../../../../test/support/fill.ts';
import { type Mount, mountTmpfs } from '../../../../test/support/mount.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { openNursery } from '../support/clones.ts';

let mount: Mount;
let dir: string;
let template: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-no-space-'));
  template = await makeTemplate(join(dir, 'template'), { files: 40, bytes: 100_000 });
});
afterEach(async () => {
  if (mount && !('skipped' in mount)) await mount.unmount();
  await removeTree(dir);
});

const used = async (path: string) => {
  const { blocks, bfree, files, ffree } = await statfs(path);
  return { blocks: blocks - bfree, inodes: files - ffree };
};

it('a clone that the disk has no room for fails in plain words, and leaves nothing', async (context) => {
  mount = await mountTmpfs({ bytes: 16_000_000 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  const nursery = await openNursery(join(mount.dir, 'pool'), template);
  const prepared = await nursery.templates.prepare('default');
  const first = await nursery.clone(prepared);
  await writeFile(join(mount.dir, 'foreign'), Buffer.alloc(6_000_000));
  const before = await used(mount.dir);
  const failure = await nursery.clone(prepared).catch((error) => error);
  expect(failure).toMatchObject({ kind: 'check', code: 'NO_SPACE' });
  expect(failure.message).toMatch(
    /^instance spica-\w+: it could not be cloned: the disk is full \(no space left/,
  );
  expect(await used(mount.dir)).toEqual(before);
  expect(await readdir(nursery.pool.paths.staging)).toEqual([]);
  expect(await readdir(first)).toContain('manifest.json');
  await truncate(join(mount.dir, 'foreign'));
  await expect(nursery.clone(prepared)).resolves.toContain('spica-');
});

it('a clone that the disk has no inodes for says so', async (context) => {
  mount = await mountTmpfs({ bytes: 50_000_000, inodes: 130 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  const nursery = await openNursery(join(mount.dir, 'pool'), template);
  const prepared = await nursery.templates.prepare('default');
  await nursery.clone(prepared);
  const before = await used(mount.dir);
  await expect(nursery.clone(prepared)).rejects.toMatchObject({ code: 'NO_SPACE' });
  await expect(nursery.clone(prepared)).rejects.toThrow(
    /the disk is full: it has no inodes left \(all 130 are in use\)/,
  );
  expect(await used(mount.dir)).toEqual(before);
});

it('a template whose snapshot the disk has no room for fails in plain words, and leaves nothing', async (context) => {
  mount = await mountTmpfs({ bytes: 3_000_000 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  const nursery = await openNursery(join(mount.dir, 'pool'), template);
  const before = await used(mount.dir);
  const failure = await nursery.templates.prepare('default').catch((error) => error);
  expect(failure).toMatchObject({ kind: 'check', code: 'NO_SPACE' });
  expect(failure.message).toBe(
    'template default: no snapshot of it could be made: the disk is full (no space left on device)',
  );
  expect(await used(mount.dir)).toEqual(before);
  expect(await readdir(nursery.pool.paths.templates)).toEqual([]);
});

it('a comparison whose result the full disk cannot keep fails in plain words, and loses no snapshot', async (context) => {
  mount = await mountTmpfs({ bytes: 16_000_000 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  const { templates } = await openNursery(join(mount.dir, 'pool'), template);
  const prepared = await templates.prepare('default');
  await link(join(template, 'data/file-1'), join(dir, 'elsewhere'));
  fillTmpfs(join(mount.dir, 'foreign'));
  await expect(templates.recheck('default')).rejects.toMatchObject({
    code: 'NO_SPACE',
    message: expect.stringMatching(
      /^template default: what is known of its snapshot could not be kept: the disk is full/,
    ),
  });
  await truncate(join(mount.dir, 'foreign'));
  expect(await templates.recheck('default')).toEqual({ prepared });
  expect(await templates.current('default')).toEqual(prepared);
});
