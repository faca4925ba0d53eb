import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { mountLoop } from '../../../../test/support/mount.ts';
import { startStack } from '../../../../test/support/stack.ts';
import { previewAdmission } from '../../src/preview.ts';
import { imageStack } from './stack.ts';

const ASKED = { template: 'default', count: 1, experiment: null, replicas: null };

it('holds to the floor of the disk that the image lies on too, and says of both what they leave', async (context) => {
  const host = await mountLoop({ type: 'ext4', bytes: 600e6 });
  if ('skipped' in host) return context.skip(host.skipped);
  onTestFinished(() => host.unmount());
  const image = await imageStack({ parent: host.dir, bytes: 1_000e6 }); // sparse: more than the disk has
  if ('skipped' in image) return context.skip(image.skipped);
  const { dir } = image.site;
  const stack = await image.serve({ 'pools.main.disk.min_free_space_gb': 0.2 });
  const { instances } = await stack.spawn();
  expect(instances).toHaveLength(1);
  const before = await previewAdmission(stack.ctx, ASKED);
  expect(before.sum.bytes).toMatchObject({ floor: 0.2e9, bound: { isFreedByDeletion: true } });
  expect(before.sum.others).toMatchObject([{ bound: null, floor: 99_999_744 }]); // a tenth of a small image
  expect(before.sentence).toMatch(
    new RegExp(
      `available on ${dir}, where the image lies \\([\\d.]+ MB less [\\d.]+ MB that its btrfs has yet to write\\) − .* MB \\(and [\\d.]+ MB on the pool's own filesystem\\): admitted`,
    ),
  );
  await execa('fallocate', ['-l', '380M', join(dir, 'somebody-elses')]);
  const after = await previewAdmission(stack.ctx, ASKED);
  expect(after).toMatchObject({ verdict: 'short', sum: { bytes: { bound: expect.anything() } } });
  const id = await stack.submit();
  await expect
    .poll(async () => (await stack.ctx.gateView.read())?.held.map(({ request }) => request))
    .toEqual([id]);
  await execa('rm', [join(dir, 'somebody-elses')]);
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
});

it('knows the disk of its image as that, also where disk.also_watch names it too', async (context) => {
  const image = await imageStack({ bytes: 300e6 });
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve({ 'pools.main.disk.also_watch': [image.site.dir] });
  const { sum } = await previewAdmission(stack.ctx, ASKED);
  const below = [sum.bytes, ...sum.others].flatMap(({ bound }) => (bound ? [bound] : []));
  expect(below).toMatchObject([
    { name: expect.stringContaining('where the image lies'), isFreedByDeletion: true },
  ]);
  expect(below[0]?.unwrittenBytes).toBeGreaterThan(1e6);
});

it('counts what an image may still take as promised to it, for the other pools on its disk', async (context) => {
  const host = await mountLoop({ type: 'ext4', bytes: 600e6 });
  if ('skipped' in host) return context.skip(host.skipped);
  onTestFinished(() => host.unmount());
  const image = await imageStack({ parent: host.dir, bytes: 300e6 });
  if ('skipped' in image) return context.skip(image.skipped);
  await image.serve();
  const other = await startStack({
    target: image.target,
    pool: 'other',
    root: join(host.dir, 'other'),
    templates: { default: image.template },
  });
  onTestFinished(() => other.close());
  const { sum } = await previewAdmission(other.ctx, ASKED);
  expect(sum.bytes.reserved).toBeGreaterThan(250e6);
  expect(sum.bytes.reserved).toBeLessThanOrEqual(300e6);
});

it('counts on nothing of that disk where the image has taken all of its room', async (context) => {
  const image = await imageStack({ allocate: true, bytes: 256e6 });
  if ('skipped' in image) return context.skip(image.skipped);
  const stack = await image.serve({ 'pools.main.disk.min_free_space_gb': 1_000_000 });
  expect(await previewAdmission(stack.ctx, ASKED)).toMatchObject({ verdict: 'admit', sum: { others: [] } });
});
