import { closeSync, constants, openSync } from 'node:fs';
import { ioctl, lastError } from './libc.ts';

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
/** `_IOWR(0x94, 18, struct btrfs_ioctl_ino_lookup_args)`: the tree, an object of it, and the name that is found. */
const INO_LOOKUP = 0xd0009412;
const INO_LOOKUP_BYTES = 4096;
const SUBVOLUME_ROOT = 256n;
/** `_IOWR(0x94, 17, struct btrfs_ioctl_search_args_v2)`, without the room for what is found, which follows it. */
const TREE_SEARCH_V2 = 0xc0709411;
const SEARCH_KEY_BYTES = 104;
const SEARCH_HEADER_BYTES = 32;
const ROOT_TREE = 1n;
const QUOTA_TREE = 8n;
/** BTRFS_ROOT_ITEM_KEY, and what is where in a struct btrfs_root_item. */
const ROOT_ITEM = 132;
/** BTRFS_ORPHAN_OBJECTID and …_ITEM_KEY: in the tree of roots, one for each subvolume that is being deleted. */
const ORPHANS = -5n;
const ORPHAN_ITEM = 48;
const ROOT_REFS_AT = 216;
const ROOT_UUID_AT = 247;
const ROOT_PARENT_UUID_AT = 263;
/** BTRFS_QGROUP_STATUS_KEY, …_INFO_KEY and …_LIMIT_KEY of linux/btrfs_tree.h. */
const STATUS = 240;
const INFO = 242;
const LIMIT = 244;
const STATUS_SIMPLE = 8n;
/** What the search says on a btrfs without quotas, on other filesystems, and to users who are not told. */
const UNKNOWN = ['ENOENT', 'ENOTTY', 'EPERM'];
/** Some 10,000 subvolumes a call. */
const SEARCH_BYTES = 2 ** 21;

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

/** The number of the subvolume that `dir` is in. Throws what the kernel says. */
export function subvolumeNumber(dir: string): bigint {
  const args = Buffer.alloc(INO_LOOKUP_BYTES);
  args.writeBigUInt64LE(SUBVOLUME_ROOT, 8);
  call(dir, 'BTRFS_IOC_INO_LOOKUP', INO_LOOKUP, args);
  return args.readBigUInt64LE(0);
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

/** The number of the filesystem's own root, which is in no list of subvolumes. */
export const TOP_LEVEL = 5n;

/** A subvolume by the ids that outlast its name; `parentUuid` is empty (zeros) where it is no snapshot. */
export interface Subvolume {
  readonly number: bigint;
  readonly uuid: string;
  readonly parentUuid: string;
}

/**
 * The subvolumes of the filesystem of `dir`, without those that have no name any more since the last commit. Needs root.
 * Throws what the kernel says.
 */
export function readSubvolumes(dir: string): Subvolume[] {
  const of = { tree: ROOT_TREE, objects: [SUBVOLUME_ROOT, -SUBVOLUME_ROOT], types: [0, 255] } as const;
  const found: Subvolume[] = [];
  for (const { type, object, data } of searchTree(dir, of)) {
    if (type !== ROOT_ITEM || data.readUInt32LE(ROOT_REFS_AT) === 0) continue;
    const uuid = data.toString('hex', ROOT_UUID_AT, ROOT_UUID_AT + 16);
    const parentUuid = data.toString('hex', ROOT_PARENT_UUID_AT, ROOT_PARENT_UUID_AT + 16);
    found.push({ number: object, uuid, parentUuid });
  }
  return found;
}

/**
 * How many subvolumes of the filesystem of `dir` have no name any more, and are being deleted in the background. Needs
 * root. Throws what the kernel says.
 */
export function countDeleting(dir: string): number {
  const of = { tree: ROOT_TREE, objects: [ORPHANS, ORPHANS], types: [ORPHAN_ITEM, ORPHAN_ITEM] } as const;
  return [...searchTree(dir, of)].length;
}

interface Item {
  readonly object: bigint;
  readonly type: number;
  readonly offset: bigint;
  readonly data: Buffer;
}

interface Search {
  readonly tree: bigint;
  /** From and to; as elsewhere in a btrfs, negative numbers are the largest. */
  readonly objects: readonly [bigint, bigint];
  readonly types: readonly [number, number];
}

/**
 * The items of a tree from the first object and type to the last, in the tree's order. Keys are compared as a whole: of
 * the objects in between, items of all types come too.
 */
function* searchTree(dir: string, { tree, objects, types }: Search): Generator<Item> {
  let next = { object: objects[0], type: types[0], offset: 0n };
  for (;;) {
    const args = Buffer.alloc(SEARCH_KEY_BYTES + 8 + SEARCH_BYTES);
    const most = 0xffff_ffff_ffff_ffffn;
    // Tree; objects, offsets and transactions from and to; then types from and to, and how many.
    [tree, next.object & most, objects[1] & most, next.offset, most, 0n, most].forEach((value, i) => {
      args.writeBigUInt64LE(value, 8 * i);
    });
    args.writeUInt32LE(next.type, 56);
    args.writeUInt32LE(types[1], 60);
    args.writeUInt32LE(0xffff_ffff, 64);
    args.writeBigUInt64LE(BigInt(SEARCH_BYTES), SEARCH_KEY_BYTES);
    call(dir, 'BTRFS_IOC_TREE_SEARCH_V2', TREE_SEARCH_V2, args);
    const found = args.readUInt32LE(64);
    let at = SEARCH_KEY_BYTES + 8;
    for (let i = 0; i < found; i += 1) {
      const object = args.readBigUInt64LE(at + 8);
      const offset = args.readBigUInt64LE(at + 16);
      const type = args.readUInt32LE(at + 24);
      const end = at + SEARCH_HEADER_BYTES + args.readUInt32LE(at + 28);
      yield { object, type, offset, data: args.subarray(at + SEARCH_HEADER_BYTES, end) };
      next = { object, type, offset: offset + 1n };
      at = end;
    }
    if (found === 0) return;
  }
}

/** A call whose argument is nothing but numbers of 64 bits. */
function callWith(dir: string, name: string, request: number, values: readonly bigint[]): void {
  const args = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => {
    args.writeBigUInt64LE(value, 8 * i);
  });
  call(dir, name, request, args);
}

/** False where the work fails with this code; true where it does not fail. */
function unlessCode(code: string, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
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
