import { CheckError } from '@spica/core';
import { execa } from 'execa';
import { inBackground } from '../background.ts';
import { isThere } from '../missing.ts';
import { mountsBelow } from '../trash/mounts.ts';
import { deleteSubvolume, subvolumesBelow } from './subvolume.ts';

/** So many of the complaints of a program are kept to tell of; a large tree could bring a million. */
const MOST_COMPLAINTS = 5;
/** Somebody may still be writing into a tree that is being deleted: the next round takes what came meanwhile. */
const ROUNDS = 3;

/**
 * Deletes a tree for good, at low I/O priority: a btrfs subvolume as a whole, anything else entry by entry, without
 * following symbolic links and without leaving its filesystem. Directories that their owner made read-only are opened
 * first. What is not there is deleted already. Throws CheckError REMOVE_INCOMPLETE that names what is left and why;
 * then all the rest is gone.
 */
export async function removeTree(path: string): Promise<void> {
  if (await deleteSubvolume(path)) return;
  let left = await rm(path);
  for (let round = 1; left.length > 0 && round < ROUNDS; round += 1) {
    await makeRoom(path, left);
    left = await rm(path);
  }
  if (left.length === 0 || !(await isThere(path))) return;
  throw new CheckError('REMOVE_INCOMPLETE', `${path}: not deleted in full: ${left.join('; ')}`, {
    path,
    left,
  });
}

/** Takes away what kept `rm` from going on, where that can be done: modes, and subvolumes inside. */
async function makeRoom(path: string, complaints: readonly string[]): Promise<void> {
  if (complaints.some((line) => line.includes('Permission denied'))) await openDirectories(path);
  if (complaints.some((line) => line.includes('different device'))) await deleteNested(path);
}

/** Subvolumes that somebody made inside look like another filesystem to `rm`. They are part of the tree; mounts are not. */
async function deleteNested(path: string): Promise<void> {
  if ((await mountsBelow(path)).length > 0) return;
  for (const nested of await subvolumesBelow(path)) await removeTree(nested);
}

/** `rm` holds directory descriptors, so that a symbolic link put in a directory's place cannot lead it astray. */
function rm(path: string): Promise<string[]> {
  return complaintsOf('rm', ['-rf', '--one-file-system', '--', path]);
}

/**
 * Lets the owner into directories that are closed. Those that can be read are done by the thousand; the others at once,
 * before find enters them. What cannot be changed is reported by the `rm` that follows.
 */
async function openDirectories(path: string): Promise<void> {
  const closed = ['-xdev', '-type', 'd', '!', '-perm', '-u+rwx'];
  const batched = ['(', '-perm', '-u+rx', '-exec', 'chmod', 'u+w', '--', '{}', '+', ')'];
  const single = ['-exec', 'chmod', 'u+rwx', '--', '{}', ';'];
  await complaintsOf('find', ['-P', path, ...closed, '(', ...batched, '-o', ...single, ')']);
}

/** Runs a program to its end; what it complained of, or nothing when it exits with 0. */
async function complaintsOf(program: string, args: readonly string[]): Promise<string[]> {
  const child = execa(...inBackground(program, args), {
    env: { LC_ALL: 'C' },
    stdin: 'ignore',
    stdout: 'ignore',
    buffer: false,
    reject: false,
  });
  const complaints: string[] = [];
  let more = 0;
  for await (const line of child.iterable({ from: 'stderr' })) {
    if (complaints.length < MOST_COMPLAINTS) complaints.push(line);
    else more += 1;
  }
  const { failed, shortMessage } = await child;
  if (!failed) return [];
  if (more > 0) complaints.push(`and ${more} more`);
  return complaints.length > 0 ? complaints : [shortMessage ?? `${program} failed`];
}
