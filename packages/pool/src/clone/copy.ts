import { lstat } from 'node:fs/promises';
import { CheckError, type CloneMethod } from '@spica/core';
import { execa, type Options } from 'execa';
import { boundToUs } from '../bound.ts';
import { isSubvolume } from '../remove/subvolume.ts';

const OPTIONS = {
  env: { LC_ALL: 'C' },
  stdin: 'ignore',
  stdout: 'ignore',
} as const satisfies Options;

/**
 * Makes `to`, which is not there yet, a faithful copy of the directory `from`: links, holes, modes, owners, times,
 * extended attributes and ACLs. Throws CheckError SNAPSHOT_GONE when `from` is not there, what execa throws when the
 * program fails (a part may be left), and the signal's reason.
 *
 * `--reflink=auto` serves both other ways: each file is cloned where the disk can, and else copied by the kernel
 * (copy_file_range), with holes as holes; a plain `cp -a` does the same in coreutils 9 and copies in older ones.
 */
export async function copyTree(
  from: string,
  to: string,
  method: CloneMethod,
  signal?: AbortSignal,
): Promise<void> {
  const options = { ...OPTIONS, ...(signal ? { cancelSignal: signal } : {}) };
  try {
    // What was prepared before the pool's method changed is no subvolume.
    if (method === 'snapshot' && (await isSubvolume(from))) {
      await execa('btrfs', ['subvolume', 'snapshot', '--', from, to], options);
    } else {
      await execa(...boundToUs('cp', ['-aT', '--reflink=auto', '--', from, to]), options);
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (await isMissing(from)) {
      throw new CheckError('SNAPSHOT_GONE', `the prepared snapshot ${from} is gone`, { path: from }, error);
    }
    throw error;
  }
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
