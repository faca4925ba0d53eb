import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Mount, mountLoop, mountTmpfs } from '../../../../test/support/mount.ts';
import { probeCloneMethod } from '../../src/clone/probe.ts';
import { initPool } from '../../src/marker/init.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';

let mount: Mount | null;
let dir: string;
beforeEach(async () => {
  mount = null;
  dir = await mkdtemp(join(tmpdir(), 'spica-probe-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  if (mount && !('skipped' in mount)) await mount.unmount();
  await removeTree(dir);
});

it('finds what the disk can do by trying, whatever programs there are, and leaves nothing', async (context) => {
  mount = await mountLoop({ type: 'btrfs', bytes: 300e6 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  const pool = await initPool({ name: 'main', root: join(mount.dir, 'pool'), clock: systemClock });
  expect(await probeCloneMethod(pool)).toBe('snapshot');
  // A btrfs without the program for subvolumes can still share blocks.
  await writeFile(join(dir, 'btrfs'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  vi.stubEnv('PATH', `${dir}:${process.env.PATH}`);
  expect(await probeCloneMethod(pool)).toBe('reflink');
  expect(await readdir(pool.paths.staging)).toEqual([]);
});

it('does not take a full disk for one that cannot clone', async (context) => {
  mount = await mountTmpfs({ bytes: 1_000_000 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  const pool = await initPool({ name: 'main', root: join(mount.dir, 'pool'), clock: systemClock });
  expect(await probeCloneMethod(pool)).toBe('copy');
  await writeFile(join(mount.dir, 'foreign'), Buffer.alloc(1_000_000)).catch(() => undefined);
  await expect(probeCloneMethod(pool)).rejects.toMatchObject({ code: 'NO_SPACE' });
  await expect(probeCloneMethod(pool)).rejects.toThrow(
    /pool main: cloning could not be tried: the disk is full/,
  );
  expect(await readdir(pool.paths.staging)).toEqual([]);
});
