import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageProblem } from '@spica/pool';
import { execa } from 'execa';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { type ImageStack, imageStack } from './stack.ts';

const IMAGE_BYTES = 128e6;
/** A tenth of a small image. */
const FLOOR_BYTES = IMAGE_BYTES / 10;
/** So small that btrfs keeps the whole file in its tree, twice: 4.7 kB where another filesystem has 4.1. */
const IN_TREE_BYTES = 1_900;

let image: ImageStack;
beforeEach(async (context) => {
  const made = await imageStack({ bytes: IMAGE_BYTES });
  if ('skipped' in made) return context.skip(made.skipped);
  image = made;
});

/** Writes so many small files, or as many as there is room for. */
async function writeSmall(dir: string, files: number): Promise<void> {
  const program = `
import os, sys
for i in range(int(sys.argv[2])):
    with open(f"{sys.argv[1]}/{i}", "wb") as file: file.write(os.urandom(${IN_TREE_BYTES}))
`;
  await execa('python3', ['-c', program, dir, String(files)], { reject: false });
}

async function templateOf(files: number): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-small-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await execa('sh', ['-c', 'echo 1.0 > VERSION'], { cwd: dir });
  await writeSmall(dir, files);
  return dir;
}

async function availableBytes(): Promise<number> {
  const { bavail, bsize } = await statfs(image.site.root);
  return bavail * bsize;
}

it('prepares no template that is nearly all metadata where that would take the reserve', async (context) => {
  const large = await imageStack({ bytes: 300e6 });
  if ('skipped' in large) return context.skip(large.skipped);
  const small = await templateOf(40_000); // 164 MB on its own disk, 197 MB in the image
  const stack = await large.serve({ 'pools.main.templates': { small }, 'gate.max_wait': '0s' });
  await expect(stack.spawn({ template: 'small' })).rejects.toMatchObject({
    code: 'MAX_WAIT_EXCEEDED',
    message: expect.stringMatching(/its snapshot takes 24\d\.\d MB and 4000\d inodes; .* MB short/),
  });
});

it('stays writable when somebody fills its metadata while a template is prepared, and goes on once there is room', async () => {
  const { root } = image.site;
  const stack = await image.serve({
    'pools.main.templates': { default: image.template, small: await templateOf(2_000) },
    'pools.main.disk.prior_factor': 1,
    'gate.poll_every': '200ms',
  });
  const [runaway] = (await stack.spawn()).instances;
  if (!runaway) throw new Error('it did not come up');
  await stack.ctx.catalog.mark(runaway.id, { pin: { by: 'tests', why: 'it runs', at: 0 } });
  const junk = join(stack.ctx.pool.pathOf(runaway.id), 'junk');
  await mkdir(junk);
  const meanwhile = stack.spawn({ template: 'small' }).catch((error: unknown) => error);
  await writeSmall(junk, 1_000_000);
  expect(await availableBytes()).toBeLessThan(FLOOR_BYTES);
  const held = await stack.submit({ template: 'small' });
  const line = async () => (await stack.ctx.gateView.read())?.held.map(({ request }) => request);
  await expect.poll(line).toContain(held);
  expect(await imageProblem(root)).toBeNull(); // it is not read-only
  await rm(junk, { recursive: true }); // which takes metadata, too
  // What btrfs has set aside for metadata it gives back by itself only where all of it is free.
  const giveBack = ['balance', 'start', '-musage=90', root];
  await expect.poll(async () => (await execa('btrfs', giveBack, { reject: false })).exitCode).toBe(0);
  expect((await stack.watcher.wait(held)).instances).toHaveLength(1);
  expect(await meanwhile).toMatchObject({ instances: [{}] });
  expect(await imageProblem(root)).toBeNull();
});
