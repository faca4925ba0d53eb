import { basename, dirname, join } from 'node:path';
import { CheckError } from '@spica/core';
import * as z from 'zod';
import { jsonFile } from '../json-file.ts';
import { pathsOf } from '../layout.ts';
import type { PoolPlace } from '../marker/marker.ts';

/** What an image is to be like. */
export interface ImageSpec {
  readonly sizeBytes: number;
  /** Absolute; null for one beside the pool's root. */
  readonly file: string | null;
  /** Its bytes are taken from the host's disk at once, and stay taken. */
  readonly allocate: boolean;
}

/**
 * Says that a root is where an image is to be mounted. Kept twice under the same path: in the directory that the mount
 * covers, where it is seen while the image is not mounted, and in the image.
 */
const noteSchema = z.strictObject({
  schema: z.literal('spica.image/v1'),
  /** Absolute path of the image. */
  file: z.string().min(1),
  /** Of the btrfs in it: another image in its place has another one. */
  uuid: z.uuid(),
  allocate: z.boolean(),
});
export type ImageNote = z.infer<typeof noteSchema>;

const noteFile = jsonFile({
  schema: noteSchema,
  code: 'IMAGE_NOTE_INVALID',
  is: "the note of a pool's image",
  remedy: 'it can be written anew with `spica init --image-file FILE`',
  sync: true,
});

export function imageNotePath(root: string): string {
  return join(pathsOf(root).own, 'image.json');
}

/** The note at a root; null where it is no image pool's. Throws CheckError IMAGE_NOTE_INVALID. */
export function readImageNote(root: string): Promise<ImageNote | null> {
  return noteFile.load(imageNotePath(root));
}

export function writeImageNote(root: string, note: Omit<ImageNote, 'schema'>): Promise<void> {
  return noteFile.save(imageNotePath(root), { schema: 'spica.image/v1', ...note });
}

/** Where an image lies: beside the pool's root, unless its own place was named. */
export function imageFileOf(root: string, { file }: Pick<ImageSpec, 'file'>): string {
  return file ?? join(dirname(root), `${basename(root)}.img`);
}

const DRAFT = '.part';

/** What an image is called while it is made: only a whole one has its name. */
export function draftOf(file: string): string {
  return file + DRAFT;
}

export function isDraft(file: string): boolean {
  return file.endsWith(DRAFT);
}

/** How an image is mounted. Space that is deleted goes back to the host, unless all of it was taken at once. */
export function mountOptions({ allocate }: Pick<ImageNote, 'allocate'>): string {
  return `noatime,commit=5,${allocate ? 'nodiscard' : 'discard=async'}`;
}

/** The line for /etc/fstab that mounts an image at each start of the host. */
export function fstabLine(root: string, note: ImageNote): string {
  const escaped = (path: string) =>
    path.replaceAll('\\', '\\134').replaceAll(' ', '\\040').replaceAll('\t', '\\011');
  return `${escaped(note.file)} ${escaped(root)} btrfs loop,${mountOptions(note)},nofail 0 0`;
}

/** CheckError IMAGE_NEEDS_ROOT with the two ways to have an image mounted without the rights of root. */
export function needsRoot({ name, root }: PoolPlace, note: ImageNote): CheckError {
  return new CheckError(
    'IMAGE_NEEDS_ROOT',
    `pool ${name}: its image ${note.file} is not mounted, and only root may mount it. Once: ` +
      `\`sudo mount -o loop,${mountOptions(note)} ${note.file} ${root}\`; at each start of the host, in /etc/fstab: ` +
      `\`${fstabLine(root, note)}\``,
    { file: note.file, root },
  );
}
