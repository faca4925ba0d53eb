import { setTimeout } from 'node:timers/promises';
import { syncFilesystem } from '../sync.ts';
import { inThread } from '../threads/threads.ts';
import { readImageNote } from './place.ts';
import { tryTool } from './tool.ts';

const LOOK_MS = 250;

/**
 * Waits until what was deleted in an image has come back: subvolumes are deleted in the background, and their space is
 * free in the image from the next commit on, and on the host's disk once it was discarded, which the kernel would leave
 * for two minutes. False where that takes longer than the deadline; then it comes back later. Does nothing for pools in no
 * image. As `btrfs subvolume sync`, without a program that would keep the image from being unmounted meanwhile. Throws
 * what the kernel says.
 */
export async function awaitReturned(root: string, deadlineMs: number): Promise<boolean> {
  const note = await readImageNote(root);
  if (!note) return true;
  const isReturned = await awaitDeletions(root, performance.now() + deadlineMs);
  await syncFilesystem(root);
  // What fails here only takes longer: the kernel discards by itself.
  if (!note.allocate) await tryTool('fstrim', ['--', root], { timeout: deadlineMs });
  return isReturned;
}

async function awaitDeletions(root: string, until: number): Promise<boolean> {
  while ((await inThread('deleting', { dir: root })) > 0) {
    if (performance.now() > until) return false;
    await setTimeout(LOOK_MS, undefined, { ref: false });
  }
  return true;
}
