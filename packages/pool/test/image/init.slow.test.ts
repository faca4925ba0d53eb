import { mkdir, readdir, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { type ImageSite, imageSite, loopDevices } from '../../../../test/support/image.ts';
import { mountTmpfs } from '../../../../test/support/mount.ts';
import { initImagePool } from '../../src/image/init.ts';
import { ensureMounted } from '../../src/image/mount.ts';
import { mountedImage } from '../../src/image/mounted.ts';
import { unmountImage } from '../../src/image/unmount.ts';
import { initPool } from '../../src/marker/init.ts';
import { openPool } from '../../src/marker/marker.ts';
import { readSimpleCharges } from '../../src/native/btrfs-quota.ts';
import { asUser } from '../support/as-user.ts';

let site: ImageSite;
beforeEach(async (context) => {
  const made = await imageSite();
  if ('skipped' in made) return context.skip(made.skipped);
  site = made;
  onTestFinished(() => made.close());
});

const place = () => ({ name: 'main', root: site.root });
const unmount = () => unmountImage(place(), { clock: systemClock });
const mine = async () => (await loopDevices()).filter(({ file }) => file.startsWith(`${site.dir}/`));
const init = (spec: Parameters<typeof initImagePool>[0]['spec'], name = 'main') =>
  initImagePool({ name, root: site.root, clock: systemClock, spec });

it('makes a sparse file with a btrfs that keeps simple quotas, mounted at the root, with the marker in it', async () => {
  const pool = await site.make();
  expect(await openPool(place())).toMatchObject({ id: pool.id });
  expect(await mountedImage(site.root)).toMatchObject({
    file: site.file,
    isReadOnly: false,
    isDeleted: false,
  });
  expect(readSimpleCharges(site.root)).not.toBeNull();
  const { size, blocks, mode } = await stat(site.file);
  expect({ size, mode: mode & 0o777 }).toEqual({ size: 256e6, mode: 0o600 });
  expect(blocks * 512).toBeLessThan(64e6);
  expect((await readdir(site.dir)).sort()).toEqual(['pool', 'pool.img']);
});

it('is safe to run again, mounted or not, and finds the same pool', async () => {
  const { id } = await site.make();
  expect((await site.make()).id).toBe(id);
  await unmount();
  await expect.poll(mine).toEqual([]); // a mount namespace of another test may have a copy of the mount
  expect((await init(null)).id).toBe(id);
  expect(await mine()).toHaveLength(1);
});

it('takes all of the room at once where that is asked for, and keeps it', async () => {
  await site.make({ allocate: true });
  expect((await stat(site.file)).blocks * 512).toBeGreaterThanOrEqual(256e6);
});

it('says of a pool whose image is not mounted that it is so, and what to do', async () => {
  const { id } = await site.make();
  await unmount();
  await expect(openPool(place())).rejects.toMatchObject({
    code: 'IMAGE_NOT_MOUNTED',
    message: expect.stringContaining(
      `${site.file} ${site.root} btrfs loop,noatime,commit=5,discard=async,nofail 0 0`,
    ),
  });
  expect(await ensureMounted(place())).toBe('mounted');
  expect(await ensureMounted(place())).toBe('already');
  expect((await openPool(place())).id).toBe(id);
});

it('tells a user without the rights of root how to have it mounted', async () => {
  await site.make();
  await unmount();
  await expect(asUser(site.dir, () => ensureMounted(place()))).rejects.toMatchObject({
    code: 'IMAGE_NEEDS_ROOT',
    message: expect.stringContaining(
      `sudo mount -o loop,noatime,commit=5,discard=async ${site.file} ${site.root}`,
    ),
  });
});

it('mounts one loop device for an image, however many mount it at the same time', async () => {
  await site.make();
  await unmount();
  const outcomes = await Promise.all([1, 2, 3].map(() => ensureMounted(place())));
  expect(outcomes.sort()).toEqual(['already', 'already', 'mounted']);
  expect(await mine()).toHaveLength(1);
});

it('will not mount an image that is mounted elsewhere', async () => {
  await site.make();
  const { file } = site;
  const elsewhere = join(site.dir, 'elsewhere');
  const taken = initImagePool({
    name: 'main',
    root: elsewhere,
    clock: systemClock,
    spec: { sizeBytes: null, file, allocate: false },
  });
  await expect(taken).rejects.toMatchObject({
    code: 'IMAGE_IN_USE',
    message: expect.stringContaining(site.root),
  });
});

it('takes an image that was moved, by its id, and one that was made for another root', async () => {
  const { id } = await site.make();
  await unmount();
  const moved = join(site.dir, 'moved.img');
  await rename(site.file, moved);
  await expect(ensureMounted(place())).rejects.toMatchObject({ code: 'IMAGE_MISSING' });
  const spec = { sizeBytes: null, file: moved, allocate: false };
  expect((await init(spec)).id).toBe(id);
  expect(await mountedImage(site.root)).toMatchObject({ file: moved });
  await unmount();
  expect((await init(null)).id).toBe(id); // from now on that is where it is
  await unmount();
  const root = join(site.dir, 'other');
  expect((await initImagePool({ name: 'main', root, clock: systemClock, spec })).id).toBe(id);
});

it("names what is wrong with an image's file instead of mounting it", async () => {
  await site.make();
  await unmount();
  const kept = join(site.dir, 'kept');
  await rename(site.file, kept);
  await expect(openPool(place())).rejects.toMatchObject({ code: 'IMAGE_MISSING' });
  await writeFile(site.file, Buffer.alloc(256 * 1024));
  await expect(openPool(place())).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  await rename(kept, site.file);
  await truncate(site.file, 200e6);
  await expect(ensureMounted(place())).rejects.toMatchObject({
    code: 'IMAGE_TRUNCATED',
    message: expect.stringContaining('it has 200.0 MB, and the btrfs in it 256.0 MB'),
  });
});

it("will not take another pool's image, and leaves the root as it was", async () => {
  await site.make();
  await unmount();
  const root = join(site.dir, 'second');
  const spec = { sizeBytes: null, file: site.file, allocate: false };
  await expect(initImagePool({ name: 'second', root, clock: systemClock, spec })).rejects.toMatchObject({
    code: 'IMAGE_FOREIGN',
  });
  expect(await readdir(site.dir)).not.toContain('second');
});

it('is known by its new name after it was renamed, though the root was lost', async () => {
  const { id } = await site.make();
  const renamed = { name: 'renamed', clock: systemClock, rename: true };
  await initImagePool({ ...renamed, root: site.root, spec: null });
  await unmountImage({ name: 'renamed', root: site.root }, { clock: systemClock });
  const spec = { sizeBytes: null, file: site.file, allocate: false };
  const root = join(site.dir, 'other');
  const old = initImagePool({ name: 'main', root, clock: systemClock, spec });
  await expect(old).rejects.toMatchObject({ code: 'IMAGE_FOREIGN' });
  expect((await initImagePool({ name: 'renamed', root, clock: systemClock, spec })).id).toBe(id);
});

it('gives an image that is taken a name of its own where that is asked for', async () => {
  const { id } = await site.make();
  await unmount();
  const spec = { sizeBytes: null, file: site.file, allocate: false };
  const root = join(site.dir, 'other');
  const taken = await initImagePool({ name: 'second', root, clock: systemClock, spec, rename: true });
  expect(taken).toMatchObject({ id, name: 'second' });
  expect(await openPool({ name: 'second', root })).toMatchObject({ id });
});

/** Everything as it was before, apart from what the test itself put there. */
async function expectNothingLeft(names: string[]): Promise<void> {
  expect((await readdir(site.dir)).sort()).toEqual(names);
  await expect.poll(mine).toEqual([]);
}

it('leaves nothing behind when it is refused: a file that is there', async () => {
  await writeFile(site.file, 'x');
  await expect(site.make()).rejects.toMatchObject({ code: 'IMAGE_EXISTS' });
  await expectNothingLeft(['pool.img']);
});

it('leaves nothing behind when it is refused: a pool, or anything else, where the image would cover it', async () => {
  await initPool({ ...place(), clock: systemClock });
  await mkdir(join(site.root, 'spica-0123456789ab'));
  const before = await readdir(site.root, { recursive: true });
  await expect(site.make()).rejects.toMatchObject({
    code: 'POOL_ROOT_IN_USE',
    message: expect.stringContaining('a pool already'),
  });
  await expectNothingLeft(['pool']);
  expect(await readdir(site.root, { recursive: true })).toEqual(before);
});

it('leaves nothing behind when it is refused: less room than is to be taken at once', async (context) => {
  const small = await mountTmpfs({ bytes: 32 * 2 ** 20 });
  if ('skipped' in small) return context.skip(small.skipped);
  onTestFinished(() => small.unmount());
  const spec = { sizeBytes: 256e6, file: join(small.dir, 'pool.img'), allocate: true };
  await expect(init(spec)).rejects.toMatchObject({ code: 'IMAGE_NO_ROOM' });
  expect(await readdir(small.dir)).toEqual([]);
  await expectNothingLeft([]);
});

it('leaves nothing behind when making it fails halfway: a disk that fills up', async (context) => {
  const small = await mountTmpfs({ bytes: 256 * 1024 });
  if ('skipped' in small) return context.skip(small.skipped);
  onTestFinished(() => small.unmount());
  await expect(
    init({ sizeBytes: 256e6, file: join(small.dir, 'pool.img'), allocate: false }),
  ).rejects.toMatchObject({
    code: 'IMAGE_FAILED',
  });
  expect(await readdir(small.dir)).toEqual([]);
  await expectNothingLeft([]);
});

it('is refused without the rights of root, with the way out', async () => {
  await expect(asUser(site.dir, () => site.make())).rejects.toMatchObject({
    code: 'IMAGE_NEEDS_ROOT',
    message: expect.stringContaining('sudo'),
  });
  await expectNothingLeft([]);
});
