import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { imageSite } from '../../../../test/support/image.ts';
import { readImageNote } from '../../src/image/place.ts';
import { readUnwritten } from '../../src/image/unwritten.ts';
import { syncFilesystem } from '../../src/sync.ts';

const WRITTEN_BYTES = 30 * 2 ** 20;
const COMMITS = 30;

it('says what an image may still take of its disk for what is in memory and for its metadata, which moves at each commit', async (context) => {
  const site = await imageSite();
  if ('skipped' in site) return context.skip(site.skipped);
  onTestFinished(() => site.close());
  await site.make({ bytes: 512e6 });
  const note = await readImageNote(site.root);
  if (!note) throw new Error('the image has no note');
  const taken = async () => (await stat(site.file)).blocks * 512;
  await syncFilesystem(site.root);
  const [before, idle] = [await taken(), await readUnwritten(note)];
  expect(idle.inMemoryBytes).toBeLessThan(1e6);
  await execa('dd', ['if=/dev/urandom', `of=${join(site.root, 'written')}`, 'bs=1M', 'count=30']);
  const told = await readUnwritten(note);
  const then = await taken();
  // What the kernel has put on the disk by itself meanwhile is there.
  expect(told.inMemoryBytes + then - before).toBeGreaterThanOrEqual(WRITTEN_BYTES);
  for (let i = 0; i < COMMITS; i += 1) {
    await execa('touch', [join(site.root, `file-${i}`)]);
    await syncFilesystem(site.root);
  }
  const after = await taken();
  expect(after - before).toBeGreaterThan(WRITTEN_BYTES + 4e6);
  expect(after - then).toBeLessThanOrEqual(told.bytes);
});
