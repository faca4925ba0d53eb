import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemClock } from '@spica/core';
import { submitRequest } from '@spica/queues';
import { execa } from 'execa';
import { beforeEach, expect, it } from 'vitest';
import { readAudit } from '../support/audit.ts';
import { type Mounted, mountLoop, unmountWholly } from '../support/mount.ts';
import { instancesOnDisk, whatLacks } from '../support/pool.ts';
import { makeSite, type Site } from '../support/site.ts';
import { aRequest } from '../support/stack.ts';

let site: Site;
let disk: Mounted;
beforeEach(async (context) => {
  const mounted = await mountLoop({ type: 'ext4', bytes: 64e6 });
  if ('skipped' in mounted) return context.skip(mounted.skipped);
  disk = mounted;
  site = await makeSite({ root: join(disk.dir, 'pool'), disk: { check_every: '200ms' } });
  return async () => {
    await site.close();
    await disk.unmount();
  };
});
const deviceOf = async () => (await execa('findmnt', ['-no', 'SOURCE', disk.dir])).stdout.trim();

/** As ext4 does when it finds an error: it takes no writes from then on, whoever has files open. */
async function failFilesystem(): Promise<void> {
  await execa('mount', ['-o', 'remount,errors=remount-ro', disk.dir]);
  await writeFile(`/sys/fs/ext4/${basename(await deviceOf())}/trigger_fs_error`, 'an error for a test');
}

/** As an administrator mends it. */
async function mend(): Promise<void> {
  const image = join(dirname(disk.dir), 'image');
  await unmountWholly(disk.dir, image);
  await execa('e2fsck', ['-fy', image], {
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    reject: false,
  });
  await execa('mount', ['-o', 'loop', image, disk.dir]);
}

/** As after an error that ext4 cannot go on from: every call answers EIO (EXT4_IOC_SHUTDOWN, without its log). */
const SHUT_DOWN =
  'import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))';

const pressure = async () =>
  JSON.parse((await site.spica('status', '--json')).stdout).pools[0].outlook.pressure;

/** A write that is under way at the moment of the error is answered EIO, later ones EROFS. */
const NO_WRITES = expect.stringMatching(/EROFS|EIO/);

it('a disk that becomes read-only is a state of its own: requests are held, fail in the end and are not refused, and go on when it is writable again', async () => {
  const up = await site.up();
  expect((await site.spica('spawn')).exitCode).toBe(0);
  await execa('sync', ['-f', disk.dir]); // what is not on the disk yet is lost with the error
  await failFilesystem();
  const early = await site.spica('spawn', '--max-wait', '2s');
  expect(early.exitCode).toBe(1);
  expect(early.stderr).toMatch(/DISK_UNWRITABLE|the disk of \S+ takes no writes: .*\((EROFS|EIO)\)/);
  expect(await pressure()).toMatchObject({ level: 'unwritable', reason: NO_WRITES });
  const doctor = await site.spica('doctor', '--json');
  expect(doctor.exitCode).toBe(1);
  expect(JSON.parse(doctor.stdout).findings).toContainEqual(
    expect.objectContaining({
      check: 'disk of pool main',
      level: 'fail',
      found: expect.stringContaining('takes no writes'),
    }),
  );
  const preflight = await site.spica('preflight');
  expect([preflight.exitCode, preflight.stdout]).toEqual([1, expect.stringContaining('takes no writes')]);
  await site.withQueues((queues) =>
    submitRequest(queues, aRequest('main'), { key: null, clock: systemClock }),
  );
  await expect
    .poll(async () => (await site.spica('status')).stdout, { timeout: 120_000 })
    .toMatch(/held\s+1/);
  await up.kill('SIGTERM');
  await mend();
  await site.up();
  await expect.poll(() => instancesOnDisk(site.pool)).toHaveLength(2);
  const ids = await instancesOnDisk(site.pool);
  expect(ids.map((id) => whatLacks(site.pool, id, site.template))).toEqual([[], []]);
  const actions = (await readAudit(join(site.dir, 'state', 'audit.jsonl'))).map(
    ({ action, outcome }) => `${action}: ${outcome}`,
  );
  expect(actions).toContain('pressure: ok → unwritable');
  expect(actions).not.toContain('breaker: open');
  expect(actions.filter((action) => action.startsWith('reject_request'))).toEqual([]);
});

it('a disk that answers with input/output errors holds requests likewise', async (context) => {
  await site.up();
  expect((await site.spica('spawn')).exitCode).toBe(0);
  const { failed } = await execa('python3', ['-c', SHUT_DOWN, disk.dir], { reject: false });
  if (failed) return context.skip('ext4 cannot be shut down here');
  const { exitCode, stderr } = await site.spica('spawn', '--max-wait', '2s');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('takes no writes')]);
  expect((await pressure()).level).toBe('unwritable');
});

it('`up` on a read-only disk says so, and ends with 1', async () => {
  await failFilesystem();
  const { exitCode, stderr } = await site.spica('up');
  expect(exitCode).toBe(1);
  expect(stderr.trim().split('\n').at(-1)).toMatch(
    /^error: pool main: the disk of \S+ takes no writes: it is read-only/,
  );
});
