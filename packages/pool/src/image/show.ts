import { dirname } from 'node:path';
import { CheckError } from '@spica/core';
import type { PoolPlace } from '../marker/marker.ts';
import { readSpace } from '../space.ts';
import { inThread } from '../threads/threads.ts';
import { diagnoseImageFile, type MountedImage, mountedImage, whyNotMounted } from './mounted.ts';
import { type ImageNote, readImageNote } from './place.ts';
import { readImageFile } from './superblock.ts';

/** How a pool's image stands. */
export interface ImageReport {
  readonly file: string;
  readonly device: string | null;
  readonly isMounted: boolean;
  readonly isReadOnly: boolean;
  /** What it can hold, and what of that the host's disk has given it so far. */
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  /** Free in the image; null while it is not mounted. */
  readonly availableBytes: number | null;
  /** Of the disk that the image lies on. */
  readonly hostAvailableBytes: number;
  readonly allocate: boolean;
  /** See `PoolCharges`; null while it is not mounted, and for users who are not told. */
  readonly orphanedBytes: number | null;
}

/** Throws CheckError POOL_NOT_IN_IMAGE, and what `diagnoseImageFile` finds wrong with the file. */
export async function reportImage(place: PoolPlace): Promise<ImageReport> {
  const note = await imageNoteOf(place);
  const mounted = await mountedImage(place.root);
  const problem = await diagnoseImageFile(place, note);
  if (problem) throw problem;
  const found = await readImageFile(note.file);
  const [inside, host] = await Promise.all([mounted && readSpace(place.root), readSpace(dirname(note.file))]);
  return {
    file: note.file,
    device: mounted?.device ?? null,
    isMounted: mounted !== null,
    isReadOnly: mounted?.isReadOnly ?? false,
    sizeBytes: found?.sizeBytes ?? 0,
    allocatedBytes: found?.allocatedBytes ?? 0,
    availableBytes: inside?.availableBytes ?? null,
    hostAvailableBytes: host.availableBytes,
    allocate: note.allocate,
    orphanedBytes: mounted && ((await inThread('charges', { root: place.root }))?.orphanedBytes ?? null),
  };
}

/** The image of a pool, mounted. Throws CheckError POOL_NOT_IN_IMAGE, and what `whyNotMounted` says. */
export async function requireMounted(place: PoolPlace): Promise<MountedImage & { readonly note: ImageNote }> {
  const note = await imageNoteOf(place);
  const mounted = await mountedImage(place.root);
  if (!mounted) throw await whyNotMounted(place, note);
  return { ...mounted, note };
}

async function imageNoteOf({ name, root }: PoolPlace): Promise<ImageNote> {
  const note = await readImageNote(root);
  if (note) return note;
  throw new CheckError(
    'POOL_NOT_IN_IMAGE',
    `pool ${name}: it is in no image: expected a note of one at ${root} (\`spica init --image SIZE\` makes one)`,
    { root },
  );
}
