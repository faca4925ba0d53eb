import { closeSync, constants, openSync } from 'node:fs';
import { ioctl, lastError } from './libc.ts';

/** `_IOWR(0x94, 40, struct btrfs_ioctl_quota_ctl_args)` of linux/btrfs.h, and its command for simple quotas. */
const QUOTA_CTL = 0xc0109428;
const ENABLE_SIMPLE_QUOTA = 4n;
/** `_IOR(0x94, 43, struct btrfs_ioctl_qgroup_limit_args)`: id, flags, and four limits of which we set the first. */
const QGROUP_LIMIT = 0x8030942b;
const LIMIT_RFER = 1n;
/** What as a limit means that there is none. */
const NO_LIMIT = 0xffff_ffff_ffff_ffffn;
/** `_IOWR(0x94, 18, struct btrfs_ioctl_ino_lookup_args)`: the tree, an object of it, and the name that is found. */
const INO_LOOKUP = 0xd0009412;
const INO_LOOKUP_BYTES = 4096;
const SUBVOLUME_ROOT = 256n;
/** `_IOWR(0x94, 17, struct btrfs_ioctl_search_args_v2)`, without the room for what is found, which follows it. */
const TREE_SEARCH_V2 = 0xc0709411;
const SEARCH_KEY_BYTES = 104;
const SEARCH_HEADER_BYTES = 32;
const QUOTA_TREE = 8n;
/** BTRFS_QGROUP_STATUS_KEY, …_INFO_KEY and …_LIMIT_KEY of linux/btrfs_tree.h. */
const STATUS = 240;
const INFO = 242;
const LIMIT = 244;
const STATUS_SIMPLE = 8n;
/** What the search says on a filesystem that has no quotas. */
const NO_QUOTAS = 'ENOENT';
/** Some 10,000 subvolumes a call. */
const SEARCH_BYTES = 2 ** 21;

/** What the kernel charges to a subvolume, and the most that it may be charged: null for no limit. */
export interface Charge {
  readonly bytes: number;
  readonly capBytes: number | null;
}

/** What quotas say of a filesystem. */
export interface Charges {
  /** False with the older kind of quotas, whose figures are of another meaning. */
  readonly isSimple: boolean;
  /** By the number of the subvolume. */
  readonly bySubvolume: ReadonlyMap<bigint, Charge>;
}

/**
 * Switches simple quotas on, for the whole filesystem of `dir`, where none are on. Only what is written from then on is
 * charged. Needs root and Linux 6.7. Throws what the kernel says: EINVAL where it knows none.
 */
export function enableSimpleQuotas(dir: string): void {
  const args = Buffer.alloc(16);
  args.writeBigUInt64LE(ENABLE_SIMPLE_QUOTA, 0);
  call(dir, 'BTRFS_IOC_QUOTA_CTL', QUOTA_CTL, args);
}

/** Caps what the subvolume `dir` may be charged; null takes the cap away. Needs root. Throws what the kernel says. */
export function capSubvolume(dir: string, bytes: number | null): void {
  const args = Buffer.alloc(48); // the number 0 means the subvolume of `dir`
  args.writeBigUInt64LE(LIMIT_RFER, 8);
  args.writeBigUInt64LE(bytes === null ? NO_LIMIT : BigInt(Math.floor(bytes)), 16);
  call(dir, 'BTRFS_IOC_QGROUP_LIMIT', QGROUP_LIMIT, args);
}

/** The number of the subvolume that `dir` is in. Throws what the kernel says: ENOTTY on other filesystems. */
export function subvolumeNumber(dir: string): bigint {
  const args = Buffer.alloc(INO_LOOKUP_BYTES);
  args.writeBigUInt64LE(SUBVOLUME_ROOT, 8);
  call(dir, 'BTRFS_IOC_INO_LOOKUP', INO_LOOKUP, args);
  return args.readBigUInt64LE(0);
}

/**
 * What every subvolume of the filesystem of `dir` is charged, as of its last commit; null where it has no quotas. One
 * call for up to 10,000. Needs root. Throws what the kernel says.
 */
export function readCharges(dir: string): Charges | null {
  let isSimple = false;
  const bytes = new Map<bigint, number>();
  const caps = new Map<bigint, number>();
  try {
    for (const { type, offset, data } of searchTree(dir, QUOTA_TREE, { from: STATUS, to: LIMIT })) {
      if (type === STATUS) isSimple = (data.readBigUInt64LE(16) & STATUS_SIMPLE) !== 0n;
      if (type === INFO) bytes.set(offset, Number(data.readBigUInt64LE(8)));
      if (type === LIMIT && data.readBigUInt64LE(0) & LIMIT_RFER)
        caps.set(offset, Number(data.readBigUInt64LE(8)));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === NO_QUOTAS) return null;
    throw error;
  }
  const charges = [...bytes].map(([id, charged]): [bigint, Charge] => [
    id,
    { bytes: charged, capBytes: caps.get(id) ?? null },
  ]);
  return { isSimple, bySubvolume: new Map(charges) };
}

interface Item {
  readonly type: number;
  readonly offset: bigint;
  readonly data: Buffer;
}

/** The items of a tree whose object is 0, of types in a range, in the tree's order. */
function* searchTree(dir: string, tree: bigint, types: { from: number; to: number }): Generator<Item> {
  let next = { type: types.from, offset: 0n };
  for (;;) {
    const args = Buffer.alloc(SEARCH_KEY_BYTES + 8 + SEARCH_BYTES);
    const most = 0xffff_ffff_ffff_ffffn;
    // Tree; objects, offsets and transactions from and to; then types from and to, and how many. A range of offsets
    // would hold for the first and the last type only, as keys are compared as a whole.
    [tree, 0n, 0n, next.offset, most, 0n, most].forEach((value, i) => {
      args.writeBigUInt64LE(value, 8 * i);
    });
    args.writeUInt32LE(next.type, 56);
    args.writeUInt32LE(types.to, 60);
    args.writeUInt32LE(0xffff_ffff, 64);
    args.writeBigUInt64LE(BigInt(SEARCH_BYTES), SEARCH_KEY_BYTES);
    call(dir, 'BTRFS_IOC_TREE_SEARCH_V2', TREE_SEARCH_V2, args);
    const found = args.readUInt32LE(64);
    let at = SEARCH_KEY_BYTES + 8;
    for (let i = 0; i < found; i += 1) {
      const offset = args.readBigUInt64LE(at + 16);
      const type = args.readUInt32LE(at + 24);
      const end = at + SEARCH_HEADER_BYTES + args.readUInt32LE(at + 28);
      yield { type, offset, data: args.subarray(at + SEARCH_HEADER_BYTES, end) };
      next = { type, offset: offset + 1n };
      at = end;
    }
    if (found === 0) return;
  }
}

function call(dir: string, name: string, request: number, args: Buffer): void {
  const fd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (ioctl(fd, request, args) !== 0) throw lastError(name, dir);
  } finally {
    closeSync(fd);
  }
}
