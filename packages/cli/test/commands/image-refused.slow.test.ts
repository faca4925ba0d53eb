import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { imageSite, loopDevices } from '../../../../test/support/image.ts';
import { MAIN } from '../../../../test/support/spica.ts';

let dir: string;
beforeEach(async (context) => {
  const site = await imageSite();
  if ('skipped' in site) return context.skip(site.skipped);
  await site.close();
  dir = await mkdtemp(join(tmpdir(), 'spica-refused-'));
  onTestFinished(() => rm(dir, { recursive: true }));
});

/** `spica init --image` on a machine that lacks something: `make` takes it away from what this process alone sees (`$1`: a directory). */
async function initWithout(make: string) {
  const [project, aside] = [join(dir, 'project'), join(dir, 'aside')];
  await mkdir(project);
  await mkdir(aside);
  const command = `set -e; ${make}; cd "$2"; exec "$3" "$4" init --image 256M`;
  const args = ['--mount', 'sh', '-c', command, 'sh', aside, project, process.execPath, MAIN];
  const env = { SPICA_STATE_DIR: join(project, 'state') };
  const { exitCode, stderr } = await execa('unshare', args, { env, reject: false });
  const left = (await readdir(project, { recursive: true })).filter((name) => !name.startsWith('state'));
  const loops = (await loopDevices()).filter(({ file }) => file.startsWith(dir));
  return { exitCode, stderr, left, loops };
}

it('is refused where there is no mkfs.btrfs, with the package that brings it, and leaves nothing behind', async () => {
  const hide =
    'mkdir "$1/all" "$1/sbin"; mount --bind /usr/sbin "$1/all"; cd "$1/all"; ' +
    'for f in *; do [ "$f" = mkfs.btrfs ] || ln -s "$1/all/$f" "$1/sbin/$f"; done; mount --bind "$1/sbin" /usr/sbin';
  expect(await initWithout(hide)).toEqual({
    exitCode: 1,
    stderr: 'error: mkfs.btrfs is missing: install the package btrfs-progs (Debian, Ubuntu)',
    left: [],
    loops: [],
  });
});

it('is refused where the kernel has no btrfs, with the way out, and leaves nothing behind', async () => {
  const filesystems = join(dir, 'filesystems');
  await writeFile(filesystems, 'nodev\tproc\n\text4\n');
  const { stderr, ...rest } = await initWithout(`mount --bind "${filesystems}" /proc/filesystems`);
  expect(stderr).toMatch(/^error: pool \S+: image: this kernel has no btrfs \(.*\): take one that has, /);
  expect(rest).toEqual({ exitCode: 1, left: [], loops: [] });
});
