import { syncFilesystem } from '../sync.ts';
import { readImageNote } from './place.ts';
import { tryTool } from './tool.ts';

/**
 * Waits until what was deleted in an image has come back: subvolumes are deleted in the background, and their space is
 * free in the image from the next commit on, and on the host's disk once it was discarded, which the kernel would leave
 * for two minutes. False where that takes longer than the deadline; then it comes back later. Does nothing for pools in no
 * image. Throws what `sync` says.
 */
export async function awaitReturned(root: string, deadlineMs: number): Promise<boolean> {
  const note = await readImageNote(root);
  if (!note) return true;
  const { failed } = await tryTool('btrfs', ['subvolume', 'sync', '--', root], { timeout: deadlineMs });
  await syncFilesystem(root);
  // What fails here only takes longer: the kernel discards by itself.
  if (!note.allocate) await tryTool('fstrim', ['--', root], { timeout: deadlineMs });
  return !failed;
}
