import { open } from 'node:fs/promises';
import { nullIfMissing } from '@spica/core';

/** Where a btrfs keeps its superblock (BTRFS_SUPER_INFO_OFFSET), and what is where in it (struct btrfs_super_block). */
const AT = 64 * 1024;
const BYTES = 4096;
const UUID_AT = 0x20;
const MAGIC_AT = 0x40;
const MAGIC = '_BHRfS_M';
const TOTAL_BYTES_AT = 0x70;
const LABEL_AT = 0x12b;
const LABEL_BYTES = 256;

/** What the file of an image says of itself, without being mounted. */
export interface ImageFile {
  /** What the file claims to hold, and what the host's disk gives it. */
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  /** The btrfs in it; null where there is none. */
  readonly btrfs: {
    readonly uuid: string;
    readonly label: string;
    readonly totalBytes: number;
  } | null;
}

/** Reads the file of an image; null where there is none. Throws what the filesystem says. */
export async function readImageFile(file: string): Promise<ImageFile | null> {
  const handle = await nullIfMissing(open(file, 'r'));
  if (!handle) return null;
  try {
    const { size, blocks } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(BYTES), 0, BYTES, AT);
    const sizes = { sizeBytes: size, allocatedBytes: blocks * 512 };
    return { ...sizes, btrfs: bytesRead === BYTES ? parseSuperblock(buffer) : null };
  } finally {
    await handle.close();
  }
}

function parseSuperblock(block: Buffer): ImageFile['btrfs'] {
  if (block.toString('latin1', MAGIC_AT, MAGIC_AT + MAGIC.length) !== MAGIC) return null;
  const hex = block.toString('hex', UUID_AT, UUID_AT + 16);
  const label = block.toString('utf8', LABEL_AT, LABEL_AT + LABEL_BYTES);
  return {
    uuid: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    label: label.slice(0, label.indexOf('\0')),
    totalBytes: Number(block.readBigUInt64LE(TOTAL_BYTES_AT)),
  };
}
