import { statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Mount, mountLoop, mountTmpfs } from '../../../../test/support/mount.ts';
import { createSpaceGauge, readSpace } from '../../src/index.ts';

/** The mount's directory until the test ends; skips the test where there is none. */
async function use(mount: Promise<Mount>, skip: (reason: string) => never): Promise<string> {
  const disk = await mount;
  if ('skipped' in disk) return skip(disk.skipped);
  onTestFinished(() => disk.unmount());
  return disk.dir;
}

it('reports bytes and inodes of the filesystem that a directory is on', async ({ skip }) => {
  const dir = await use(mountTmpfs({ bytes: 8_388_608, inodes: 100 }), skip);
  const before = await readSpace(dir);
  expect(before).toMatchObject({ totalBytes: 8_388_608, availableBytes: 8_388_608, totalInodes: 100 });
  for (let n = 0; n < 10; n += 1) await writeFile(join(dir, `file-${n}`), Buffer.alloc(4096));
  const after = await readSpace(dir);
  expect(after.availableBytes).toBe(before.availableBytes - 10 * 4096);
  expect(after.freeInodes).toBe((before.freeInodes ?? 0) - 10);
});

it('knows no limit of inodes on btrfs, which makes them as they are needed', async ({ skip }) => {
  const dir = await use(mountLoop({ type: 'btrfs', bytes: 200e6 }), skip);
  expect(await readSpace(dir)).toMatchObject({ freeInodes: null, totalInodes: null });
});

it('counts only what an unprivileged process can use: not the blocks that ext4 keeps for root', async ({
  skip,
}) => {
  const dir = await use(mountLoop({ type: 'ext4', bytes: 100e6 }), skip);
  const { bsize, bfree, bavail } = await statfs(dir);
  expect(bavail).toBeLessThan(bfree);
  expect((await readSpace(dir)).availableBytes).toBe(bavail * bsize);
});

it('shares a reading for as long as it is young enough', async ({ skip }) => {
  const dir = await use(mountTmpfs({ bytes: 8_388_608 }), skip);
  let now = 10_000;
  const gauge = createSpaceGauge({ dir, clock: { now: () => now } });
  const first = await gauge.read({ maxAgeMs: 500 });
  await writeFile(join(dir, 'file'), Buffer.alloc(4096));
  now += 500;
  expect(await gauge.read({ maxAgeMs: 500 })).toBe(first);
  const fresh = await gauge.read({ maxAgeMs: 0 });
  expect(fresh.availableBytes).toBe(first.availableBytes - 4096);
  now += 501;
  expect(await gauge.read({ maxAgeMs: 500 })).not.toBe(fresh);
  now -= 5_000; // the clock was set back: how old the reading is, nobody knows
  const afterwards = gauge.read({ maxAgeMs: 500 });
  expect(await afterwards).not.toBe(fresh);
  expect(gauge.read({ maxAgeMs: 500 })).toBe(afterwards);
});

it('tries anew after a reading that failed', async () => {
  const gauge = createSpaceGauge({ dir: join(tmpdir(), 'spica-never-was'), clock: { now: () => 0 } });
  await expect(gauge.read({ maxAgeMs: 500 })).rejects.toThrow('ENOENT');
  await expect(gauge.read({ maxAgeMs: 500 })).rejects.toThrow('ENOENT');
});
