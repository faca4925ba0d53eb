import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { imageSite } from '../../../../test/support/image.ts';
import { awaitReturned } from '../../src/image/returned.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { readSpace } from '../../src/space.ts';
import { syncFilesystem } from '../../src/sync.ts';

it("gives what is deleted in an image back to the host's disk", async (context) => {
  const site = await imageSite();
  if ('skipped' in site) return context.skip(site.skipped);
  onTestFinished(() => site.close());
  await site.make({ bytes: 512e6 });
  const taken = async () => (await stat(site.file)).blocks * 512;
  const empty = await taken();
  const subvolume = join(site.root, 'filled');
  await execa('btrfs', ['subvolume', 'create', subvolume]);
  await execa('dd', ['if=/dev/urandom', `of=${join(subvolume, 'file')}`, 'bs=1M', 'count=200']);
  await syncFilesystem(site.root);
  const full = await taken();
  expect(full - empty).toBeGreaterThan(200e6);
  const { availableBytes } = await readSpace(site.root);
  await removeTree(subvolume);
  expect(await awaitReturned(site.root, 50_000)).toBe(true);
  expect((await readSpace(site.root)).availableBytes - availableBytes).toBeGreaterThan(190e6);
  expect((await taken()) - empty).toBeLessThan(20e6);
});
