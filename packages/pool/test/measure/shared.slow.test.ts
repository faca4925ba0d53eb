import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { mountLoop } from '../../../../test/support/mount.ts';
import { initPool, measureInstances, type Pool } from '../../src/index.ts';

const ID = 'spica-0123456789ab';
const CHILD = 'spica-ffffffffffff';
const MB = 1_048_576;
const clock = { now: () => Date.now() };

/** A pool with an original of ten files of one MiB. */
async function makePool(root: string): Promise<{ pool: Pool; original: string }> {
  const pool = await initPool({ name: 'main', root, clock });
  const original = join(pool.paths.templates, 'original');
  await mkdir(original);
  for (let n = 0; n < 10; n += 1) await writeFile(join(original, `file-${n}`), Buffer.alloc(MB, `${n}x`));
  return { pool, original };
}

/** Changes one file of an instance in part, and adds one. */
async function change(instance: string): Promise<void> {
  await appendFile(join(instance, 'file-3'), Buffer.alloc(MB, 'new'));
  await writeFile(join(instance, 'new'), Buffer.alloc(2 * MB, 'new'));
}

it("takes for a reflink clone's own the files that changed since, whole: an estimate", async (context) => {
  const disk = await mountLoop({ type: 'xfs', bytes: 400e6 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  onTestFinished(() => disk.unmount());
  const { pool, original } = await makePool(join(disk.dir, 'pool'));
  await execa('cp', ['-a', '--reflink=always', '--', original, pool.pathOf(ID)]);
  await new Promise((resolve) => setTimeout(resolve, 20)); // file times are coarser than the clock
  const target = { id: ID, sharesSince: clock.now(), isSnapshot: false };
  const fresh = (await measureInstances(pool, [target], { clock })).get(ID);
  expect(fresh?.allocatedBytes).toBeGreaterThanOrEqual(10 * MB);
  expect(fresh?.ownBytes).toBeLessThan(MB / 2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await change(pool.pathOf(ID));
  const changed = (await measureInstances(pool, [target], { clock })).get(ID);
  expect(changed?.ownBytes).toBeGreaterThanOrEqual(4 * MB);
  expect(changed?.ownBytes).toBeLessThan(5 * MB);
});

it('knows exactly what a btrfs snapshot shares with nothing else', async (context) => {
  const disk = await mountLoop({ type: 'btrfs', bytes: 300e6 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  onTestFinished(() => disk.unmount());
  const { pool, original } = await makePool(join(disk.dir, 'pool'));
  const subvolume = join(pool.paths.templates, 'subvolume');
  await execa('btrfs', ['subvolume', 'create', '--', subvolume]);
  await execa('cp', ['-a', '--', `${original}/.`, subvolume]);
  await execa('btrfs', ['subvolume', 'snapshot', '--', subvolume, pool.pathOf(ID)]);
  await mkdir(pool.pathOf(CHILD));
  const targets = [
    { id: ID, sharesSince: clock.now(), isSnapshot: true },
    { id: 'spica-00000000dead', sharesSince: clock.now(), isSnapshot: true },
    { id: CHILD, sharesSince: null, isSnapshot: false },
  ];
  await execa('sync', ['-f', '--', disk.dir]);
  const fresh = await measureInstances(pool, targets, { clock });
  expect([...fresh.keys()].sort()).toEqual([ID, CHILD].sort());
  expect(fresh.get(ID)?.allocatedBytes).toBeGreaterThanOrEqual(10 * MB);
  expect(fresh.get(ID)?.ownBytes).toBe(0);
  await change(pool.pathOf(ID));
  await execa('sync', ['-f', '--', disk.dir]);
  const changed = await measureInstances(pool, targets, { clock });
  expect(changed.get(ID)?.ownBytes).toBe(3 * MB); // of the changed file the end only
});
