import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { administer, type ImageSite, imageSite } from '../../../../test/support/image.ts';
import { lockPool } from '../../src/claim/pool.ts';
import { checkImage } from '../../src/image/check.ts';
import { growImage } from '../../src/image/grow.ts';
import { ensureMounted } from '../../src/image/mount.ts';
import { mountedImage } from '../../src/image/mounted.ts';
import { reportImage } from '../../src/image/show.ts';
import { unmountImage } from '../../src/image/unmount.ts';
import type { Pool } from '../../src/layout.ts';
import { readSpace } from '../../src/space.ts';

let site: ImageSite;
let pool: Pool;
beforeEach(async (context) => {
  const made = await imageSite();
  if ('skipped' in made) return context.skip(made.skipped);
  site = made;
  onTestFinished(() => made.close());
  pool = await site.make({ bytes: 256e6 });
});

const place = () => ({ name: 'main', root: site.root });
const unmount = () => unmountImage(place(), { clock: systemClock });

it('grows while somebody writes in it, and once more after it was cut off between its steps', async () => {
  const path = join(site.root, 'written');
  const writer = execa('sh', ['-c', 'while :; do date >> "$0"; done', path], { reject: false });
  await growImage(place(), 400e6);
  const before = await readFile(path, 'utf8');
  await expect.poll(async () => (await readFile(path, 'utf8')).length).toBeGreaterThan(before.length);
  writer.kill();
  await writer;
  expect((await readSpace(site.root)).totalBytes).toBeGreaterThan(395e6);
  await truncate(site.file, 500e6);
  await growImage(place(), 500e6);
  expect((await readSpace(site.root)).totalBytes).toBeGreaterThan(495e6);
  expect(await reportImage(place())).toMatchObject({ sizeBytes: 500e6, isMounted: true });
});

it('takes the room of what it grows by at once, where all of the image was taken so', async () => {
  await unmount();
  const other = await imageSite();
  if ('skipped' in other) throw new Error(other.skipped);
  onTestFinished(() => other.close());
  await other.make({ allocate: true });
  await growImage({ name: 'main', root: other.root }, 300e6);
  expect((await stat(other.file)).blocks * 512).toBeGreaterThanOrEqual(300e6);
});

it('does not grow to what it has already, or less', async () => {
  for (const bytes of [256e6, 200e6]) {
    await expect(growImage(place(), bytes)).rejects.toMatchObject({
      code: 'IMAGE_SIZE_INVALID',
      message: expect.stringContaining('expected more than the 256.0 MB'),
    });
  }
});

it('does not begin to grow to what the kernel would refuse', async () => {
  await unmount();
  const other = await imageSite();
  if ('skipped' in other) throw new Error(other.skipped);
  onTestFinished(() => other.close());
  await other.make({ bytes: 128e6 });
  await expect(growImage({ name: 'main', root: other.root }, 200e6)).rejects.toMatchObject({
    code: 'IMAGE_SIZE_INVALID',
    message: expect.stringContaining('expected at least 268.4 MB'),
  });
  expect((await stat(other.file)).size).toBe(128e6);
});

it('stays mounted while something is in use, and says what', async () => {
  const inside = join(site.root, 'spica-0123456789ab');
  await execa('mkdir', [inside]);
  const user = execa('sleep', ['1000'], { cwd: inside, reject: false });
  await expect(unmount()).rejects.toMatchObject({
    code: 'IMAGE_IN_USE',
    message: expect.stringContaining(`process ${user.pid} (sleep) in ${inside}`),
  });
  user.kill();
  await user;
  const lock = await lockPool(pool, { clock: systemClock });
  await expect(unmount()).rejects.toMatchObject({ code: 'POOL_SERVED' });
  await lock.release();
  await administer('mount', '--types', 'tmpfs', 'spica-test', inside);
  await expect(unmount()).rejects.toMatchObject({
    code: 'IMAGE_IN_USE',
    message: expect.stringContaining(inside),
  });
  await administer('umount', inside);
  expect(await mountedImage(site.root)).not.toBeNull();
  await unmount();
  expect(await mountedImage(site.root)).toBeNull();
});

it('a check finds what has changed on the disk under it', async () => {
  const secret = Buffer.from('what a scrub is to find changed ');
  await writeFile(join(site.root, 'file'), Buffer.alloc(2e6, secret));
  await expect(checkImage(place())).resolves.toBeUndefined();
  await unmount();
  const at = (await readFile(site.file)).indexOf(secret);
  const file = await open(site.file, 'r+');
  await file.write(Buffer.from('X'), 0, 1, at + 100);
  await file.close();
  await ensureMounted(place());
  await expect(checkImage(place())).rejects.toMatchObject({
    code: 'IMAGE_DAMAGED',
    message: expect.stringContaining('csum=1'),
  });
});
