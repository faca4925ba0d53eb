import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

export type LoopMount = { readonly dir: string; unmount(): Promise<void> } | { readonly skipped: string };

/** Makes a btrfs of `bytes` in a sparse file and mounts it; says why where that cannot be done. */
export async function loopBtrfs(bytes: number): Promise<LoopMount> {
  if (process.getuid?.() !== 0) return { skipped: 'it takes root to mount one' };
  const work = await mkdtemp(join(tmpdir(), 'spica-btrfs-'));
  const image = join(work, 'image');
  const dir = join(work, 'mount');
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  try {
    await execa('truncate', ['-s', String(bytes), image]);
    await execa('mkfs.btrfs', ['-q', image], { env });
    await execa('mkdir', [dir]);
    await execa('mount', ['-o', 'loop', image, dir], { env });
  } catch (error) {
    await rm(work, { recursive: true });
    return {
      skipped: `no btrfs could be mounted (${error instanceof Error ? error.message.split('\n')[0] : error})`,
    };
  }
  return {
    dir,
    async unmount() {
      await execa('umount', [dir], { env });
      await rm(work, { recursive: true });
    },
  };
}
