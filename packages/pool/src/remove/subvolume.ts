import { lstat, statfs } from 'node:fs/promises';
import { nullIfMissing } from '@spica/core';
import { execa } from 'execa';
import { inThread } from '../threads/threads.ts';

/** BTRFS_SUPER_MAGIC of linux/magic.h. */
const BTRFS = 0x9123683e;
/** The inode number of every btrfs subvolume's root (BTRFS_FIRST_FREE_OBJECTID), and of nothing else there. */
const SUBVOLUME_INODE = 256;

/** Whether a path is the root of a btrfs subvolume. False for what is not there. */
export async function isSubvolume(path: string): Promise<boolean> {
  const stat = await nullIfMissing(lstat(path));
  if (!stat?.isDirectory() || stat.ino !== SUBVOLUME_INODE) return false;
  return (await nullIfMissing(statfs(path)))?.type === BTRFS;
}

/**
 * Deletes a btrfs subvolume as a whole; true when it is gone. False where the path is none, and where the kernel refuses
 * (another is nested inside, or one has no right to): whoever then deletes it entry by entry hears what keeps it.
 */
export async function deleteSubvolume(path: string): Promise<boolean> {
  if (!(await isSubvolume(path))) return false;
  return inThread('destroy', { path }).then(
    () => true,
    () => false,
  );
}

/** The subvolumes inside a tree, the innermost first. */
export async function subvolumesBelow(path: string): Promise<string[]> {
  const { stdout } = await execa(
    'find',
    ['-P', path, '-mindepth', '1', '-depth', '-type', 'd', '-inum', String(SUBVOLUME_INODE), '-print0'],
    { stdin: 'ignore', reject: false },
  );
  return stdout.split('\0').filter((found) => found !== '');
}
