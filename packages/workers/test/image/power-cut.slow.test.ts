import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ensureMounted, imageProblem, scanPool } from '@spica/pool';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { administer } from '../../../../test/support/image.ts';
import { mountLoop, mountTmpfs, untilDetached } from '../../../../test/support/mount.ts';
import { instancesOnDisk, whatLacks } from '../../../../test/support/pool.ts';
import { reconcile } from '../../src/reconciler/reconcile.ts';
import { imageStack } from './stack.ts';

/** From when the spawns begin; a spawn takes some 20 ms, a commit of btrfs comes with each snapshot. */
const MOMENTS_MS = [150, 700];

it.for(MOMENTS_MS)(
  'an image as it is on the disk %d ms into a burst of spawns mounts, and reconcile makes sense of it',
  async (ms, context) => {
    const host = await mountLoop({ type: 'ext4', bytes: 1e9 });
    if ('skipped' in host) return context.skip(host.skipped);
    onTestFinished(() => host.unmount());
    const elsewhere = await mountTmpfs({ bytes: 600e6 });
    if ('skipped' in elsewhere) return context.skip(elsewhere.skipped);
    onTestFinished(() => elsewhere.unmount());
    const image = await imageStack({
      parent: host.dir,
      bytes: 500e6,
      template: { files: 20, bytes: 50_000 },
    });
    if ('skipped' in image) return context.skip(image.skipped);
    const { root, file } = image.site;
    const copy = join(elsewhere.dir, 'copy.img');
    const first = await image.serve({ 'pools.main.retention.max_instances': 100 });
    const [known = { id: '' }] = (await first.spawn()).instances;
    await execa('sync', ['-f', root]);
    const burst = first.spawn({ count: 40 });
    const writer = execa('sh', ['-c', 'while :; do date >> "$0"; done', join(root, 'noise')], {
      reject: false,
    });
    await setTimeout(ms);
    await administer('fsfreeze', '--freeze', host.dir); // from now on nothing gets to the disk under the image
    await copyFile(file, copy).finally(() => administer('fsfreeze', '--unfreeze', host.dir));
    await burst;
    writer.kill();
    await writer;
    await first.close();
    await image.unmount();
    await untilDetached(file);
    await image.flush();
    await rename(file, `${file}.after`);
    await execa('cp', ['--sparse=always', copy, file]);

    expect(await ensureMounted({ name: 'main', root })).toBe('mounted');
    expect(await imageProblem(root)).toBeNull();
    const second = await image.serve({ 'pools.main.retention.max_instances': 100 });
    await reconcile(second.ctx, { starting: false });
    expect(whatLacks(second.ctx.pool, known.id, image.template)).toEqual([]);
    // Of those that were just coming up some files may be empty: they are left alone, and reported.
    const { catalog, pool } = second.ctx;
    const taken = await Array.fromAsync(catalog.list(), ({ record }) => record.id);
    const { unknownDirectories } = await scanPool(pool, (names) => catalog.unlisted(names));
    const left = unknownDirectories.map(({ name }) => name);
    expect(taken).toContain(known.id);
    expect([...taken, ...left]).toEqual(expect.arrayContaining(await instancesOnDisk(second.ctx.pool)));
    expect((await second.spawn()).instances).toHaveLength(1);
  },
);
