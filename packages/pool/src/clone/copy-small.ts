import {
  type BigIntStats,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { copyStat, listXattrs } from '../native/attributes.ts';
import type { Snapshot } from '../template/prepared.ts';

/** So many inodes and bytes are copied in the time that it takes to start a program. */
const MOST_INODES = 100;
const MOST_BYTES = 1_000_000;
const BLOCK_BYTES = 512n;
/** A hole of one block is not worth a program: it is filled. */
const SMALL_BYTES = 4096n;

interface Entry {
  /** Below the snapshot, with a `/` in front; empty for the snapshot itself. */
  readonly path: Buffer;
  readonly stat: BigIntStats;
}

/** Whether a snapshot is worth to be tried with `copySmall`. */
export function isSmall({ inodes, allocatedBytes }: Pick<Snapshot, 'inodes' | 'allocatedBytes'>): boolean {
  return inodes <= MOST_INODES && allocatedBytes <= MOST_BYTES;
}

/**
 * Copies a small snapshot of files, directories and symbolic links without a program, which would take longer to start.
 * False, with nothing made, where it holds what `cp` is needed for: hard links, holes, extended attributes and ACLs,
 * pipes and devices. Throws what the filesystem says; a part may be left. It waits for the disk.
 */
export function copySmall(from: string, to: string): boolean {
  const entries = survey(Buffer.from(from));
  if (entries === null) return false;
  mkdirSync(to, { mode: 0o700 });
  if (listXattrs(to).length > 0) {
    rmdirSync(to); // a default ACL would be handed down
    return false;
  }
  const [source, target] = [Buffer.from(from), Buffer.from(to)];
  for (const { path, stat } of entries.slice(1)) {
    const made = Buffer.concat([target, path]);
    if (stat.isDirectory()) mkdirSync(made, { mode: 0o700 });
    else copyEntry(Buffer.concat([source, path]), made, stat);
  }
  // Whoever wrote into a directory moved its times, so the inner ones first.
  for (const { path, stat } of entries.toReversed()) {
    if (stat.isDirectory()) copyStat(stat, Buffer.concat([target, path]));
  }
  return true;
}

function copyEntry(from: Buffer, to: Buffer, stat: BigIntStats): void {
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from, 'buffer'), to);
  else copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  copyStat(stat, to);
}

/** The directories before what lies in them; null where one entry is not for us. */
function survey(root: Buffer): readonly Entry[] | null {
  const entries: Entry[] = [];
  const visit = (path: Buffer): boolean => {
    const whole = Buffer.concat([root, path]);
    const stat = lstatSync(whole, { bigint: true });
    if (!isPlain(stat) || listXattrs(whole).length > 0) return false;
    entries.push({ path, stat });
    if (!stat.isDirectory()) return true;
    return readdirSync(whole, 'buffer').every((name) => visit(Buffer.concat([path, Buffer.from('/'), name])));
  };
  return visit(Buffer.alloc(0)) ? entries : null;
}

function isPlain(stat: BigIntStats): boolean {
  if (stat.isDirectory() || stat.isSymbolicLink()) return true;
  const hasHoles = stat.size > SMALL_BYTES && stat.blocks * BLOCK_BYTES < stat.size;
  return stat.isFile() && stat.nlink === 1n && !hasHoles;
}
