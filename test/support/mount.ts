import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';

/** A filesystem of its own, mounted at `dir`. */
export interface Mounted {
  readonly dir: string;
  /** Unmounts it, though something may still be open there, and removes what it was made of. */
  unmount(): Promise<void>;
}

/** What asks for a mount gets one, or the reason why this machine has none, for `context.skip`. */
export type Mount = Mounted | { readonly skipped: string };

/** Administrators' programs are not on every PATH. */
const ENV = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
const MKFS = {
  btrfs: ['mkfs.btrfs', '-q'],
  xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'],
  ext4: ['mkfs.ext4', '-q', '-F'],
} as const;

/**
 * Resolves once no loop device holds a file, of which all mounts were ended here: another test's mount namespace that began
 * meanwhile has copies of them, with which the kernel keeps what it knows of the filesystem.
 */
export async function untilDetached(image: string): Promise<void> {
  const users = async () => (await execa('losetup', ['--associated', image], { env: ENV })).stdout;
  await expect.poll(users).toBe('');
}

/** Unmounts an image's filesystem wholly, to change it and mount it anew. */
export async function unmountWholly(dir: string, image: string): Promise<void> {
  await execa('umount', [dir], { env: ENV });
  await untilDetached(image);
}

/** Makes a filesystem in a sparse file and mounts it. A btrfs takes at least 110 MB, an xfs 300 MB. */
export async function mountLoop({ type, bytes }: { type: keyof typeof MKFS; bytes: number }): Promise<Mount> {
  const [mkfs, ...options] = MKFS[type];
  return mount(type, async (work, dir) => {
    const image = join(work, 'image');
    await execa('truncate', ['-s', String(bytes), image]);
    await execa(mkfs, [...options, image], { env: ENV });
    await execa('mount', ['-t', type, '-o', 'loop', image, dir], { env: ENV });
  });
}

/**
 * Mounts what is on the disk of a mounted ext4 at this moment: what would be found there after a power cut. What was
 * written and not synced is in memory, and not in the file that it was made in.
 */
export async function mountAsAfterPowerCut({ dir }: Mounted): Promise<Mount> {
  return mount('ext4', async (work, to) => {
    const image = join(work, 'image');
    await execa('cp', ['--sparse=always', '--', join(dirname(dir), 'image'), image]);
    await execa('mount', ['-t', 'ext4', '-o', 'loop', image, to], { env: ENV });
  });
}

/** Mounts a filesystem in memory; `inodes` is how many it can have, all told. */
export async function mountTmpfs({ bytes, inodes }: { bytes: number; inodes?: number }): Promise<Mount> {
  const size = `size=${bytes}${inodes === undefined ? '' : `,nr_inodes=${inodes}`}`;
  return mount('tmpfs', async (_, dir) => {
    await execa('mount', ['-t', 'tmpfs', '-o', size, 'spica-test', dir], { env: ENV });
  });
}

async function mount(type: string, make: (work: string, dir: string) => Promise<void>): Promise<Mount> {
  if (process.getuid?.() !== 0) return { skipped: 'mounting needs root' };
  const work = await mkdtemp(join(tmpdir(), `spica-${type}-`));
  const dir = join(work, 'mount');
  await mkdir(dir);
  try {
    await make(work, dir);
  } catch (error) {
    await rm(work, { recursive: true });
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    return { skipped: `no ${type} can be mounted here: ${reason}` };
  }
  return {
    dir,
    async unmount() {
      const { failed } = await execa('umount', ['--', dir], { env: ENV, reject: false });
      if (failed) await execa('umount', ['--lazy', '--', dir], { env: ENV });
      await rmdir(dir); // fails where it is still mounted, before anything in it could be deleted
      await rm(work, { recursive: true });
    },
  };
}
