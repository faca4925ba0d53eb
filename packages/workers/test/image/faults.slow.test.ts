import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureMounted, imageProblem } from '@spica/pool';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { administer, loopDevices } from '../../../../test/support/image.ts';
import { mountLoop, untilDetached } from '../../../../test/support/mount.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { type ImageStack, imageStack } from './stack.ts';

const pressureOf = async ({ ctx }: Stack) => (await ctx.catalog.pressure())?.level;

/** Submits a request, and waits until it is held for this: what is said first may be less. Returns its id. */
async function heldFor(stack: Stack, reason: RegExp): Promise<string> {
  const id = await stack.submit();
  const reasonOf = async () =>
    (await stack.ctx.gateView.read())?.held.find(({ request }) => request === id)?.reason ?? '';
  await expect.poll(reasonOf).toMatch(reason);
  return id;
}

async function expectMended(image: ImageStack): Promise<void> {
  // The kernel may refuse while it still holds what failed: try again.
  const mount = () => ensureMounted({ name: 'main', root: image.site.root }).catch(String);
  await expect.poll(mount).toBe('mounted');
  const again = await image.serve();
  expect((await again.spawn()).instances).toHaveLength(1);
  expect(await imageProblem(image.site.root)).toBeNull();
}

it('admits nothing in an image whose file was deleted under it, and says that it has to be rescued', async (context) => {
  const image = await imageStack();
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve();
  await rm(image.site.file);
  await expect.poll(() => pressureOf(stack)).toBe('unwritable');
  await heldFor(stack, /was deleted while it was mounted: .* Copy it out of .* now/);
  expect(await imageProblem(image.site.root)).toMatchObject({ code: 'IMAGE_DELETED' });
});

it('admits nothing in an image whose file was cut off under it', async (context) => {
  const image = await imageStack();
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve();
  await truncate(image.site.file, 300e6);
  await expect.poll(() => pressureOf(stack)).toBe('unwritable');
  await heldFor(stack, /was cut off while it was mounted: it has 300\.0 MB/);
});

it('holds while an image is read-only, and the next start mounts it anew', async (context) => {
  const image = await imageStack();
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve();
  expect((await stack.spawn()).instances).toHaveLength(1);
  await stack.close();
  await administer('mount', '--options', 'remount,ro', image.site.root);
  expect(await imageProblem(image.site.root)).toMatchObject({ code: 'IMAGE_READ_ONLY' });
  await expect(image.serve()).rejects.toMatchObject({ code: 'DISK_UNWRITABLE' });
  const user = execa('sleep', ['1000'], { cwd: image.site.root, reject: false });
  await expect(ensureMounted({ name: 'main', root: image.site.root })).rejects.toMatchObject({
    code: 'IMAGE_IN_USE',
    message: expect.stringContaining(`process ${user.pid} (sleep)`),
  });
  user.kill();
  await user;
  await expectMended(image);
});

it('holds while the disk under a sparse image is full, says so, and goes on once there is room', async (context) => {
  const host = await mountLoop({ type: 'ext4', bytes: 400e6 });
  if ('skipped' in host) return context.skip(host.skipped);
  onTestFinished(() => host.unmount());
  const image = await imageStack({ parent: host.dir, bytes: 1_000e6 });
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve();
  const { instances } = await stack.spawn();
  const filler = join(host.dir, 'filler');
  await execa('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M'], { reject: false });
  await expect.poll(() => pressureOf(stack)).toBe('unwritable');
  const id = await heldFor(stack, /the disk that the image .* lies on is full \(.* left\): make room in/);
  // Somebody writes in it all the same, past all that the disk has.
  const written = join(stack.ctx.pool.pathOf(instances[0]?.id ?? ''), 'written');
  await execa('dd', ['if=/dev/urandom', `of=${written}`, 'bs=1M', 'count=300', 'conv=fsync'], {
    reject: false,
  });
  await rm(filler);
  // Where btrfs could not write its own tree, which it may find out late, it stays read-only until it is mounted anew.
  const isReadOnly = async () => (await imageProblem(image.site.root))?.code === 'IMAGE_READ_ONLY';
  let end = '';
  stack.watcher.wait(id).then(
    ({ instances: { length } }) => {
      end = `${length} came up`;
    },
    (error: unknown) => {
      end = String(error);
    },
  );
  await expect.poll(async () => end !== '' || (await isReadOnly())).toBe(true);
  if (end === '1 came up') return;
  await expect.poll(isReadOnly, { message: end }).toBe(true);
  await stack.close();
  await expectMended(image);
});

/** Has an ext4 answer everything with input/output errors from now on, as when its device is taken away (EXT4_IOC_SHUTDOWN, without its log). */
async function takeAway(dir: string): Promise<void> {
  const program =
    "import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";
  await execa('python3', ['-c', program, dir]);
}

it('goes on when somebody detaches its loop device, which the kernel keeps for as long as it is mounted', async (context) => {
  const image = await imageStack();
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve();
  const device = (await loopDevices()).find(({ file }) => file === image.site.file);
  await administer('losetup', '--detach', device?.name ?? '');
  expect((await stack.spawn()).instances).toHaveLength(1);
  expect(await imageProblem(image.site.root)).toBeNull();
});

it('holds when the disk under its loop device is taken away, says so, and goes on when that is back', async (context) => {
  const host = await mountLoop({ type: 'ext4', bytes: 700e6 });
  if ('skipped' in host) return context.skip(host.skipped);
  onTestFinished(() => host.unmount());
  const image = await imageStack({ parent: host.dir, bytes: 400e6 });
  if ('skipped' in image) return context.skip(image.skipped);
  const elsewhere = await mkdtemp(join(tmpdir(), 'spica-template-'));
  onTestFinished(() => rm(elsewhere, { recursive: true }));
  const settings = { 'pools.main.templates': { default: await makeTemplate(join(elsewhere, 'template')) } };
  const stack = await image.serve(settings);
  await stack.spawn();
  await takeAway(host.dir);
  await expect.poll(() => pressureOf(stack)).toBe('unwritable');
  const id = await heldFor(
    stack,
    /^the disk that the image .* lies on fails \(the system says "i\/o error" \(open\)\)/,
  );
  expect(await imageProblem(image.site.root)).toMatchObject({ code: 'IMAGE_DISK_FAILED' });
  await stack.close();
  await administer('umount', image.site.root);
  // The kernel lets go of the image's file soon after its mount.
  const unmounted = () =>
    administer('umount', host.dir).then(
      () => true,
      () => false,
    );
  await expect.poll(unmounted).toBe(true);
  const disk = join(dirname(host.dir), 'image');
  await untilDetached(disk);
  await administer('mount', '--options', 'loop', disk, host.dir);
  expect(await ensureMounted({ name: 'main', root: image.site.root })).toBe('mounted');
  const again = await image.serve(settings);
  expect((await again.watcher.wait(id)).instances).toHaveLength(1); // it was held meanwhile
  expect(await imageProblem(image.site.root)).toBeNull();
});
