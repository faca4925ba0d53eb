import { callWith, unlessCode } from './btrfs-call.ts';
import { searchTree, subvolumeNumber } from './btrfs-tree.ts';

/** `_IOWR(0x94, 40, struct btrfs_ioctl_quota_ctl_args)` of linux/btrfs.h, and its command for simple quotas. */
const QUOTA_CTL = 0xc0109428;
const ENABLE_SIMPLE_QUOTA = 4n;
/** `_IOW(0x94, 42, struct btrfs_ioctl_qgroup_create_args)`: whether to create or to remove, and the group. */
const QGROUP_CREATE = 0x4010942a;
/** `_IOW(0x94, 41, struct btrfs_ioctl_qgroup_assign_args)`: 1 to assign, the member, the group. */
const QGROUP_ASSIGN = 0x40189429;
/** `_IOR(0x94, 43, struct btrfs_ioctl_qgroup_limit_args)`: group, flags, and four limits of which we set the first. */
const QGROUP_LIMIT = 0x8030942b;
const LIMIT_RFER = 1n;
/** What as a limit means that there is none. */
const NO_LIMIT = 0xffff_ffff_ffff_ffffn;
const QUOTA_TREE = 8n;
/** BTRFS_QGROUP_STATUS_KEY, …_INFO_KEY and …_LIMIT_KEY of linux/btrfs_tree.h. */
const STATUS = 240;
const INFO = 242;
const LIMIT = 244;
const STATUS_SIMPLE = 8n;
/** What the search says on a btrfs without quotas, on other filesystems, and to users who are not told. */
const UNKNOWN = ['ENOENT', 'ENOTTY', 'EPERM'];
/** A group's number is its level in 16 bits, then 48 of its own. Groups of level 0 are the subvolumes themselves. */
const GROUP_BITS = 48n;
const LEVEL_1 = 1n << GROUP_BITS;

/** What the kernel charges to a group of subvolumes, and the most that it may be charged: null for no limit. */
export interface Charge {
  readonly bytes: number;
  readonly capBytes: number | null;
}

/** What simple quotas say of a filesystem; the older kind of quotas has figures of another meaning. */
export interface Charges {
  /** Of groups of subvolumes (`joinGroup`), by their numbers. */
  readonly byGroup: ReadonlyMap<bigint, Charge>;
  /** Of subvolumes by themselves, by their numbers; of deleted ones that others still share blocks with, too. */
  readonly bySubvolume: ReadonlyMap<bigint, number>;
}

/**
 * Switches simple quotas on, for the whole filesystem of `dir`, where none are on. Only what is written from then on is
 * charged. Needs root and Linux 6.7. Throws what the kernel says: EINVAL where it knows none.
 */
export function enableSimpleQuotas(dir: string): void {
  callWith(dir, 'BTRFS_IOC_QUOTA_CTL', QUOTA_CTL, [ENABLE_SIMPLE_QUOTA, 0n]);
}

/**
 * Puts a subvolume into a group, which is made if need be: what is charged to it, and to subvolumes that are made in it
 * later, is charged to the group too. `group` has 48 bits. Needs root. Throws what the kernel says.
 */
export function joinGroup(subvolume: string, group: bigint): void {
  unlessCode('EEXIST', () =>
    callWith(subvolume, 'BTRFS_IOC_QGROUP_CREATE', QGROUP_CREATE, [1n, LEVEL_1 | group]),
  );
  const member = subvolumeNumber(subvolume);
  unlessCode('EEXIST', () =>
    callWith(subvolume, 'BTRFS_IOC_QGROUP_ASSIGN', QGROUP_ASSIGN, [1n, member, LEVEL_1 | group]),
  );
}

/**
 * Caps what a group on the filesystem of `dir` may be charged; null takes the cap away. False where there is no such
 * group. Needs root. Throws what the kernel says.
 */
export function capGroup(dir: string, group: bigint, bytes: number | null): boolean {
  const limit = bytes === null ? NO_LIMIT : BigInt(Math.floor(bytes));
  const args = [LEVEL_1 | group, LIMIT_RFER, limit, 0n, 0n, 0n];
  return unlessCode('ENOENT', () => callWith(dir, 'BTRFS_IOC_QGROUP_LIMIT', QGROUP_LIMIT, args));
}

/** Removes a group that nothing is charged to; false where something is. Needs root. Throws what the kernel says. */
export function removeGroup(dir: string, group: bigint): boolean {
  const remove = () => callWith(dir, 'BTRFS_IOC_QGROUP_CREATE', QGROUP_CREATE, [0n, LEVEL_1 | group]);
  return unlessCode('EBUSY', remove);
}

/**
 * What is charged on the filesystem of `dir`, as of its last commit; null where it keeps no simple quotas, or tells root
 * only. One call for up to 10,000 subvolumes. Throws what the kernel says.
 */
export function readSimpleCharges(dir: string): Charges | null {
  const bytes = new Map<bigint, number>();
  const caps = new Map<bigint, number>();
  let isSimple = false;
  const bySubvolume = new Map<bigint, number>();
  try {
    const of = { tree: QUOTA_TREE, objects: [0n, 0n], types: [STATUS, LIMIT] } as const;
    for (const { type, offset: group, data } of searchTree(dir, of)) {
      const isLevel1 = group >> GROUP_BITS === 1n;
      if (type === STATUS) isSimple = (data.readBigUInt64LE(16) & STATUS_SIMPLE) !== 0n;
      if (type === INFO && isLevel1) bytes.set(group ^ LEVEL_1, Number(data.readBigUInt64LE(8)));
      if (type === INFO && group < LEVEL_1) bySubvolume.set(group, Number(data.readBigUInt64LE(8)));
      if (type === LIMIT && isLevel1) caps.set(group ^ LEVEL_1, limitOf(data));
    }
  } catch (error) {
    if (UNKNOWN.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  if (!isSimple) return null;
  const charges = [...bytes].map(([group, charged]): [bigint, Charge] => [
    group,
    { bytes: charged, capBytes: finite(caps.get(group)) },
  ]);
  return { byGroup: new Map(charges), bySubvolume };
}

/** Infinity for none. */
function limitOf(item: Buffer): number {
  const limit = item.readBigUInt64LE(8);
  const isSet = (item.readBigUInt64LE(0) & LIMIT_RFER) !== 0n && limit !== NO_LIMIT;
  return isSet ? Number(limit) : Number.POSITIVE_INFINITY;
}

function finite(value = Number.POSITIVE_INFINITY): number | null {
  return Number.isFinite(value) ? value : null;
}
