import { call } from './btrfs-call.ts';

/** `_IOWR(0x94, 18, struct btrfs_ioctl_ino_lookup_args)`: the tree, an object of it, and the name that is found. */
const INO_LOOKUP = 0xd0009412;
const INO_LOOKUP_BYTES = 4096;
const SUBVOLUME_ROOT = 256n;
/** `_IOWR(0x94, 17, struct btrfs_ioctl_search_args_v2)`, without the room for what is found, which follows it. */
const TREE_SEARCH_V2 = 0xc0709411;
const SEARCH_KEY_BYTES = 104;
const SEARCH_HEADER_BYTES = 32;
const ROOT_TREE = 1n;
/** BTRFS_ROOT_ITEM_KEY, and what is where in a struct btrfs_root_item. */
const ROOT_ITEM = 132;
/** BTRFS_ORPHAN_OBJECTID and …_ITEM_KEY: in the tree of roots, one for each subvolume that is being deleted. */
const ORPHANS = -5n;
const ORPHAN_ITEM = 48;
const ROOT_REFS_AT = 216;
const ROOT_UUID_AT = 247;
const ROOT_PARENT_UUID_AT = 263;
/** Some 10,000 subvolumes a call. */
const SEARCH_BYTES = 2 ** 21;

/** The number of the subvolume that `dir` is in. Throws what the kernel says. */
export function subvolumeNumber(dir: string): bigint {
  const args = Buffer.alloc(INO_LOOKUP_BYTES);
  args.writeBigUInt64LE(SUBVOLUME_ROOT, 8);
  call(dir, 'BTRFS_IOC_INO_LOOKUP', INO_LOOKUP, args);
  return args.readBigUInt64LE(0);
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
export function* searchTree(dir: string, { tree, objects, types }: Search): Generator<Item> {
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
