import { randomBytes } from 'node:crypto';
import { lstat, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckError, messageOf, nullIfMissing } from '@spica/core';
import { liftCap } from '../image/charge.ts';
import type { Pool } from '../layout.ts';
import { isThere } from '../missing.ts';
import { removeTree } from '../remove/remove-tree.ts';
import { deletingPathOf, notePathOf, type TrashEntry, type TrashNote, writeNote } from './entry.ts';
import { mountsBelow } from './mounts.ts';
import { moveDirectory } from './move.ts';

/**
 * Renames an instance out of sight: its slot is free, its space is not. `note` says beside it why, and what was known of
 * it; null for what nobody will ask for: then nothing is written, which also works on a full disk. Resolves with null when
 * it is gone already. Throws CheckError before anything is touched: MOUNT_INSIDE when something is mounted in it, INSTANCE_NOT_DIRECTORY for
 * a symbolic link or file under its name; RENAME_FAILED when the filesystem refuses.
 */
export async function trashInstance(
  pool: Pool,
  id: string,
  { at, note }: { readonly at: number; readonly note: TrashNote | null },
): Promise<TrashEntry | null> {
  const from = pool.pathOf(id);
  if (!(await isInstanceThere(from, id))) return null;
  await refuseMounts(from, id);
  const name = `${id}.${Math.round(at)}.${randomBytes(4).toString('hex')}`;
  const path = join(pool.paths.trash, name);
  if (note) await writeNote(path, note);
  try {
    await moveDirectory(from, path);
  } catch (cause) {
    await rm(notePathOf(path), { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new CheckError(
      'RENAME_FAILED',
      `instance ${id}: it could not be moved to the trash: ${messageOf(cause)}`,
      { id },
      cause,
    );
  }
  return { name, id, trashedAt: Math.round(at), path, isDeletionBegun: false, note };
}

/** Says anew what is known of an entry. One that is not there any more gets no note. */
export async function rewriteNote(entry: TrashEntry, note: TrashNote): Promise<TrashEntry> {
  if (await isThere(entry.path)) await writeNote(entry.path, note);
  return { ...entry, note };
}

/** An entry as it lies there now, its deletion begun or not; null where it is gone. */
export async function findEntry(entry: TrashEntry): Promise<TrashEntry | null> {
  const deletingPath = deletingPathOf(entry.path);
  if (await isThere(deletingPath)) return { ...entry, path: deletingPath, isDeletionBegun: true };
  return (await isThere(entry.path)) ? entry : null;
}

/**
 * Deletes what lies in the trash, for good, at low I/O priority; from when it begins, it cannot be restored. Safe to run
 * again. `onRemoved` is called once the tree is gone and before its note is, so that whoever keeps account can make up for it
 * after a crash (`sweepTrash`). Resolves with whether there was anything: somebody else may have deleted or restored it. Throws CheckError MOUNT_INSIDE (nothing touched), or what `removeTree` throws when something resists: then the
 * rest is gone, and this is left.
 */
export async function emptyTrash(
  entry: Pick<TrashEntry, 'id' | 'path'>,
  onRemoved: () => Promise<void> = async () => undefined,
): Promise<boolean> {
  await refuseMounts(entry.path, entry.id);
  const deletingPath = deletingPathOf(entry.path);
  const begun = deletingPath !== entry.path && (await isDone(rename(entry.path, deletingPath)));
  const wasThere = begun || (await isThere(deletingPath));
  if (!wasThere) return false;
  liftCap(dirname(deletingPath), entry.id);
  await removeTree(deletingPath);
  await onRemoved();
  await rm(notePathOf(entry.path), { force: true });
  return true;
}

/** False where there was nothing to do it with. */
async function isDone(work: Promise<unknown>): Promise<boolean> {
  return (await nullIfMissing(work)) !== null;
}

/**
 * Brings an instance back from the trash, whole. Throws CheckError INSTANCE_EXISTS, or TRASH_GONE when it is not there
 * any more or its deletion has begun.
 */
export async function restoreFromTrash(pool: Pool, entry: TrashEntry): Promise<void> {
  const to = pool.pathOf(entry.id);
  if (await isInstanceThere(to, entry.id)) {
    throw new CheckError(
      'INSTANCE_EXISTS',
      `instance ${entry.id}: it cannot be restored: there is one of that name`,
    );
  }
  if (entry.isDeletionBegun) {
    throw new CheckError('TRASH_GONE', `instance ${entry.id}: it cannot be restored: its deletion has begun`);
  }
  if (!(await isDone(moveDirectory(entry.path, to)))) {
    throw new CheckError('TRASH_GONE', `instance ${entry.id}: it is not in the trash any more`);
  }
  await rm(notePathOf(entry.path), { force: true });
}

async function isInstanceThere(path: string, id: string): Promise<boolean> {
  const stat = await nullIfMissing(lstat(path));
  if (!stat || stat.isDirectory()) return stat !== null;
  const is = stat.isSymbolicLink() ? 'a symbolic link' : 'a file';
  throw new CheckError(
    'INSTANCE_NOT_DIRECTORY',
    `instance ${id}: expected a directory, but ${path} is ${is}`,
    { id },
  );
}

async function refuseMounts(path: string, id: string): Promise<void> {
  const mounts = await mountsBelow(path);
  if (mounts.length === 0) return;
  throw new CheckError(
    'MOUNT_INSIDE',
    `instance ${id}: something is mounted in it: ${mounts.join(', ')}; unmount it first, nothing was touched`,
    { id, mounts },
  );
}
