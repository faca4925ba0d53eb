import { rm } from 'node:fs/promises';
import * as z from 'zod';
import { jsonFile } from '../json-file.ts';

const SUFFIX = '.copied';
const BLOCK_BYTES = 4096;
/** Of an entry in JSON that is indented by two, each part of it on a line of its own. */
const PUNCTUATION_BYTES = 36;

/**
 * What the files of a template were when a snapshot last held their content: by key (walk.ts), inode and change time in
 * find's words. A file that still is the same needs no second look.
 */
export type Copied = ReadonlyMap<string, string>;

const copiedFile = jsonFile({
  schema: z.strictObject({
    schema: z.literal('spica.copied/v1'),
    files: z.array(z.tuple([z.string(), z.string()])),
  }),
  code: 'COPIED_INVALID',
  is: 'a list of what was copied',
  mostBytes: Number.POSITIVE_INFINITY,
});

/** Keeps beside a snapshot what its files were copied from. */
export async function writeCopied(snapshot: string, copied: Copied): Promise<void> {
  await copiedFile.save(snapshot + SUFFIX, { schema: 'spica.copied/v1', files: [...copied] });
}

/** What `writeCopied` will allocate, about. */
export function sizeOfCopied(copied: Copied): { bytes: number; inodes: number } {
  let bytes = BLOCK_BYTES;
  for (const [key, seen] of copied) bytes += key.length + seen.length + PUNCTUATION_BYTES;
  return { bytes, inodes: 1 };
}

/** Empty where nothing is known of it: then every file has to be looked at. */
export async function readCopied(snapshot: string): Promise<Copied> {
  return new Map((await copiedFile.loadIfValid(snapshot + SUFFIX))?.files);
}

export async function deleteCopied(snapshot: string): Promise<void> {
  await rm(snapshot + SUFFIX, { force: true });
}

/** The name of the snapshot that a file of this name is kept beside; any other name as it is. */
export function snapshotOfCopied(name: string): string {
  return name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name;
}
