import { CheckError } from '@spica/core';
import { tryFileLock, withFileLock } from '../claim/file-lock.ts';
import type { PoolPlace } from '../marker/marker.ts';
import { isThere } from '../missing.ts';
import { completeDraft } from './draft.ts';
import { attachLoop, detachLoop, loopsOf } from './loop.ts';
import { diagnoseImageFile, mountedImage, mountPointsOf } from './mounted.ts';
import { draftOf, type ImageNote, mountOptions, needsRoot, readImageNote } from './place.ts';
import { runTool } from './tool.ts';
import { unmountUnused } from './unmount.ts';

/**
 * Mounts a pool's image at its root, unless that is done. One loop device for a file, whoever else mounts it at the same
 * time: two would each write as if they were alone. Throws CheckError: IMAGE_NEEDS_ROOT, IMAGE_IN_USE (mounted elsewhere),
 * IMAGE_FAILED with what `mount` says, and what `diagnoseImageFile` finds.
 */
export async function mountImage(place: PoolPlace, note: ImageNote): Promise<'mounted' | 'already'> {
  if (await mountedImage(place.root)) return 'already';
  if (process.geteuid?.() !== 0) throw needsRoot(place, note);
  const problem = await diagnoseImageFile(place, note);
  if (problem) throw problem;
  return withFileLock(note.file, async () => {
    if (await mountedImage(place.root)) return 'already';
    await mountFile(place, note.file, mountOptions(note));
    return 'mounted';
  });
}

/** To be called with the file's lock. */
export async function mountFile({ name, root }: PoolPlace, file: string, options: string): Promise<void> {
  const [left] = await loopsOf(file);
  const [elsewhere] = left === undefined ? [] : mountPointsOf(left);
  if (elsewhere !== undefined) {
    throw new CheckError(
      'IMAGE_IN_USE',
      `pool ${name}: its image ${file} is mounted already, at ${elsewhere}; expected ${root}`,
      { file, elsewhere },
    );
  }
  const device = left ?? (await attachLoop(file));
  try {
    const what = `pool ${name}: its image ${file} could not be mounted at ${root}`;
    await runTool(what, 'mount', ['--types', 'btrfs', '--options', options, '--', device, root]);
  } finally {
    await detachLoop(device); // one that is mounted goes with the mount
  }
}

/**
 * Mounts the image of a pool that has one and whose image is not mounted. `none` where the pool is in no image. Throws
 * what `mountImage` throws, and CheckError IMAGE_NOTE_INVALID, IMAGE_UNFINISHED.
 */
export async function ensureMounted(place: PoolPlace): Promise<'mounted' | 'already' | 'none'> {
  const note = await readImageNote(place.root);
  if (!note) return 'none';
  if (await isThere(draftOf(note.file))) await finishDraft(place, note.file);
  if ((await mountedImage(place.root))?.isReadOnly) await unmountAfterError(place);
  return mountImage(place, note);
}

/** The kernel lets a btrfs that has become read-only after an error be written to again only once it was unmounted. */
async function unmountAfterError(place: PoolPlace): Promise<void> {
  if (process.geteuid?.() !== 0) {
    throw new CheckError(
      'IMAGE_READ_ONLY',
      `pool ${place.name}: its image is mounted read-only at ${place.root}, and only root may mount it anew`,
      { root: place.root },
    );
  }
  await unmountUnused(place);
}

async function finishDraft(place: PoolPlace, file: string): Promise<void> {
  const lock = tryFileLock(draftOf(file));
  try {
    if (lock && (await completeDraft(place, file))) return;
  } finally {
    lock?.release();
  }
  const is = lock ? 'was not made to its end: run `spica init` again' : 'is being made';
  throw new CheckError('IMAGE_UNFINISHED', `pool ${place.name}: its image ${file} ${is}`, { file });
}
