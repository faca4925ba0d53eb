import { rename, rm, rmdir, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathsOf } from '../layout.ts';
import { type PoolPlace, readMarker } from '../marker/marker.ts';
import { isThere } from '../missing.ts';
import { syncDirectory } from '../write-whole.ts';
import { detachLoop, loopsOf } from './loop.ts';
import { mountedImage, mountPointsOf } from './mounted.ts';
import { draftOf, imageNotePath, readImageNote } from './place.ts';
import { runTool } from './tool.ts';

/**
 * Ends what an interrupted run has left of making an image: one that is whole but for its name gets it. True then; false
 * where there is none, or where `discardDraft` has to take it away. To be called while nobody makes it.
 */
export async function completeDraft({ name, root }: PoolPlace, file: string): Promise<boolean> {
  const draft = draftOf(file);
  if (!(await isThere(draft)) || (await mountedImage(root))?.file !== draft) return false;
  const marker = await readMarker(pathsOf(root)); // the last that is written
  if (marker?.name !== name) return false;
  await rename(draft, file);
  await syncDirectory(dirname(file));
  return true;
}

/** Takes away what there is of an image in the making: mounts, loop devices, the note that it is to be mounted here. */
export async function discardDraft(root: string, file: string): Promise<void> {
  const draft = draftOf(file);
  for (const device of await loopsOf(draft)) {
    const points = mountPointsOf(device);
    for (const point of points) await runTool(`${point} could not be unmounted`, 'umount', ['--', point]);
    if (points.length === 0) await detachLoop(device);
  }
  await truncate(draft, 0);
  const note = await readImageNote(root).catch(() => null); // whatever it says, it was written for this image
  if (note !== null && note.file !== file) return;
  await rm(imageNotePath(root), { force: true });
  await rmdir(pathsOf(root).own).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error; // of another pool: the caller says so
  });
}
