import { realpath, stat } from 'node:fs/promises';
import { bootId } from './claim/identity.ts';
import { type Mount, mountOf, readMounts } from './mountinfo.ts';

/**
 * Tells the filesystem that a directory is on from all others: two directories with the same answer take the same bytes.
 * The kernel's number for it, of this boot; all subvolumes of a btrfs have the same one, where `stat` gives each its own.
 */
export async function filesystemOf(dir: string): Promise<string> {
  const [path, boot] = await Promise.all([realpath(dir), bootId()]);
  const device = mountOf(path, readMounts('self'))?.device ?? `dev-${(await stat(path)).dev}`;
  return `${boot ?? 'unknown-boot'}/${device}`;
}

/** How the filesystem that a directory is on is mounted. */
export type MountedOn = Pick<Mount, 'point' | 'type' | 'flags'>;

/** Null where the kernel does not say. */
export async function mountedOn(dir: string): Promise<MountedOn | null> {
  return mountOf(await realpath(dir), readMounts('self'));
}

/** The kind of the filesystem that a directory is on: `ext4`, `btrfs`, …; null where the kernel does not say. */
export async function filesystemTypeOf(dir: string): Promise<string | null> {
  return (await mountedOn(dir))?.type ?? null;
}
