import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { call } from './btrfs-call.ts';
import { ioctl, lastError } from './libc.ts';

/** BTRFS_IOC_SNAP_CREATE_V2 of linux/btrfs.h: _IOW(0x94, 23, struct btrfs_ioctl_vol_args_v2), which is 4096 bytes. */
const SNAP_CREATE_V2 = 0x50009417;
const V2_NAME_AT = 56;
/** BTRFS_IOC_SNAP_DESTROY: _IOW(0x94, 15, struct btrfs_ioctl_vol_args), of as many bytes. */
const SNAP_DESTROY = 0x5000940f;
const NAME_AT = 8;
const ARGS_BYTES = 4096;
/** What it says of a directory on btrfs, and of other filesystems. */
const NO_SUBVOLUME = ['EINVAL', 'ENOTTY'];
/** BTRFS_SUBVOL_NAME_MAX */
const NAME_MAX = 4039;

/**
 * Makes `to` a snapshot of the btrfs subvolume `from`, as `btrfs subvolume snapshot` does, without a program to start.
 * It waits for the disk. False where `from` is no subvolume. Throws what the kernel says.
 */
export function snapshotSubvolume(from: string, to: string): boolean {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const source = openSync(from, flags);
  try {
    const parent = openSync(dirname(to), flags);
    try {
      const args = argsWith(to, V2_NAME_AT);
      args.writeBigInt64LE(BigInt(source), 0);
      if (ioctl(parent, SNAP_CREATE_V2, args) === 0) return true;
      const error = lastError('BTRFS_IOC_SNAP_CREATE_V2', to);
      if (NO_SUBVOLUME.includes(error.code ?? '')) return false;
      throw error;
    } finally {
      closeSync(parent);
    }
  } finally {
    closeSync(source);
  }
}

/**
 * Deletes a btrfs subvolume, as `btrfs subvolume delete` does; the kernel clears its content away afterwards. It waits for
 * the disk. Throws what the kernel says: `ENOTEMPTY` where another is nested inside, `EPERM` where one may not.
 */
export function destroySubvolume(path: string): void {
  call(dirname(path), 'BTRFS_IOC_SNAP_DESTROY', SNAP_DESTROY, argsWith(path, NAME_AT));
}

/** The arguments of a call to the directory above, with the name in it. */
function argsWith(path: string, nameAt: number): Buffer {
  const name = Buffer.from(basename(path));
  if (name.length > NAME_MAX) throw new Error(`the name of a subvolume is too long: ${path}`);
  const args = Buffer.alloc(ARGS_BYTES);
  name.copy(args, nameAt);
  return args;
}
