import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readSpace } from '@spica/pool';
import { execa } from 'execa';
import { beforeEach, expect, it } from 'vitest';
import { fillTmpfs } from '../support/fill.ts';
import { type Mounted, mountTmpfs } from '../support/mount.ts';
import { instancesOnDisk, whatLacks } from '../support/pool.ts';
import { makeSite, type Site, type SiteOptions } from '../support/site.ts';

const MB = 1_000_000;

/** 10 MB that no filesystem can make less of. */
const TEMPLATE = { files: 10, bytes: MB };
let outer: Mounted;
let inner: string;
let site: Site | undefined;
/** Runs a command on it, in this process. */
const here = (...args: string[]) => (site as Site).here(...args);

/** A pool's filesystem of 400 MB in a sparse file, on a disk that has 128 MB. */
beforeEach(async (context) => {
  const mounted = await mountTmpfs({ bytes: 128 * MB });
  if ('skipped' in mounted) return context.skip(mounted.skipped);
  outer = mounted;
  inner = join(outer.dir, 'inner');
  await mkdir(inner);
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  const image = join(outer.dir, 'image');
  await execa('truncate', ['-s', '400M', image]);
  // Without a journal, which might be what the disk below has no room for, and end all writes at once.
  await execa('mkfs.ext4', ['-q', '-F', '-O', '^has_journal', '-E', 'lazy_itable_init=0', image], { env });
  await execa('mount', ['-o', 'loop,errors=continue', image, inner], { env });
  return async () => {
    await site?.close();
    site = undefined;
    await execa('umount', ['--lazy', inner], { env, reject: false });
    await outer.unmount();
  };
});

async function serve(disk: SiteOptions['disk']): Promise<Site> {
  const root = join(inner, 'pool');
  const settings = { prior_factor: 1, safety_factor: 1, check_every: '500ms', ...disk };
  site = await makeSite({
    root,
    template: TEMPLATE,
    disk: { min_free_space_gb: 0.03, ...settings },
    retention: { max_instances: 30 },
  });
  await site.up();
  return site;
}

it('holds the floor on the disk that the pool lies on in the end, though the pool itself seems to have room', async () => {
  const served = await serve({ also_watch: [outer.dir] });
  const count = Math.floor(((await readSpace(outer.dir)).availableBytes - 30 * MB) / (12 * MB));
  let spawned = 0;
  let last = await here('spawn', '--max-wait', '0s');
  for (; last.exitCode === 0 && spawned < 20; spawned += 1) last = await here('spawn', '--max-wait', '0s');
  expect(spawned).toBeGreaterThanOrEqual(count - 2);
  expect([last.exitCode, last.stderr]).toEqual([
    3,
    expect.stringMatching(/ available on \S+ \(disk\.also_watch\) − .* short\. Make room there/),
  ]);
  await execa('sync', ['-f', inner]);
  expect((await readSpace(outer.dir)).availableBytes).toBeGreaterThan(28 * MB);
  const ids = await instancesOnDisk(served.pool);
  expect(ids.flatMap((id) => whatLacks(served.pool, id, served.template))).toEqual([]);
  const preflight = await here('preflight');
  expect([preflight.exitCode, preflight.stdout]).toEqual([3, expect.stringContaining('(disk.also_watch)')]);
});

it('opens the breaker when what was cloned cannot be put on the disk, and says so', async () => {
  await serve({ check_every: '1h' }); // so that nothing else notices first
  fillTmpfs(join(outer.dir, 'foreign')); // nobody watches it
  // All of it goes into memory. Where the template's snapshot was found lost by then, the request is held already.
  await here('spawn', '-n', '3', '--max-wait', '2s');
  const status = async () => JSON.parse((await here('status', '--json')).stdout).pools[0].breaker;
  await expect.poll(status).toMatchObject({
    openedAt: expect.any(Number),
    cause: expect.stringMatching(
      /^what was cloned could not be put on the disk of \S+ \(.*Input\/output error\)$/,
    ),
  });
  const next = await here('spawn', '--max-wait', '1s');
  expect([next.exitCode, next.stderr]).toEqual([1, expect.stringContaining('could not be put on the disk')]);
});
