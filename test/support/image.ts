import { statfsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { initImagePool, type Pool } from '@spica/pool';
import { execa } from 'execa';

/** Administrators' programs are not on every PATH. */
const ENV = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

/** A directory in which images can be made. */
export interface ImageSite {
  readonly dir: string;
  readonly root: string;
  /** Where an image for `root` lies, unless something else is said. */
  readonly file: string;
  /** Makes a pool in an image of so many bytes. */
  make(options?: { bytes?: number; allocate?: boolean }): Promise<Pool>;
  /** Unmounts what is mounted below `dir`, gives up its loop devices, and removes it all. */
  close(): Promise<void>;
}

/** A place for images, or the reason why this machine can have none, for `context.skip`. */
export async function imageSite(parent = quickDir()): Promise<ImageSite | { readonly skipped: string }> {
  const skipped = await whyNoImages();
  if (skipped !== null) return { skipped };
  const dir = await mkdtemp(join(parent, 'spica-image-'));
  const root = join(dir, 'pool');
  return {
    dir,
    root,
    file: join(dir, 'pool.img'),
    make: ({ bytes = 256e6, allocate = false } = {}) =>
      initImagePool({
        name: 'main',
        root,
        clock: systemClock,
        spec: { sizeBytes: bytes, file: null, allocate },
      }),
    async close() {
      await unmountBelow(dir);
      await rm(dir, { recursive: true });
    },
  };
}

const MEMORY = '/dev/shm';
/** What a few images of tests take at most. */
const ENOUGH_BYTES = 4e9;

/** In memory, where that has room: each commit in an image waits for the disk, and others write to that. */
function quickDir(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > ENOUGH_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

async function whyNoImages(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'mounting an image needs root';
  const { failed } = await execa('mkfs.btrfs', ['--version'], { env: ENV, reject: false });
  if (failed) return 'no mkfs.btrfs here (package btrfs-progs)';
  const work = await mkdtemp(join(tmpdir(), 'spica-loop-'));
  try {
    const file = join(work, 'file');
    await execa('truncate', ['-s', '1M', file]);
    const { failed: noLoop, stdout } = await execa('losetup', ['--find', '--show', file], {
      env: ENV,
      reject: false,
    });
    if (noLoop) return 'no loop devices here';
    await execa('losetup', ['--detach', stdout.trim()], { env: ENV });
    return null;
  } finally {
    await rm(work, { recursive: true });
  }
}

/** Also what a test that failed has left mounted, and loop devices of files that were removed. */
async function unmountBelow(dir: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  for (const point of mounts.filter((each) => each.startsWith(`${dir}/`)).reverse()) {
    await execa('umount', ['--lazy', '--', point], { env: ENV });
  }
  for (const { name, file } of await loopDevices()) {
    if (file.startsWith(`${dir}/`)) await execa('losetup', ['--detach', name], { env: ENV, reject: false });
  }
}

/** The loop devices of this machine, with the files behind them. */
export async function loopDevices(): Promise<{ readonly name: string; readonly file: string }[]> {
  const { stdout } = await execa('losetup', ['--list', '--json', '--output', 'NAME,BACK-FILE'], { env: ENV });
  const { loopdevices = [] } = stdout === '' ? {} : JSON.parse(stdout);
  return loopdevices.map((each: Record<string, string>) => ({
    name: each['name'] ?? '',
    file: each['back-file'] ?? '',
  }));
}

/** Runs a program of administrators'. */
export function administer(program: string, ...args: string[]) {
  return execa(program, args, { env: ENV });
}
