import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { CheckError, type Clock, UsageError } from '@spica/core';
import { type Pool, pathsOf } from '../layout.ts';
import { makeDirectory } from '../make-directory.ts';
import { initPool } from '../marker/init.ts';
import { type PoolPlace, readMarker } from '../marker/marker.ts';
import { isThere } from '../missing.ts';
import { labelBtrfs } from '../native/btrfs-label.ts';
import { completeDraft } from './draft.ts';
import { makeImage } from './make.ts';
import { mountImage } from './mount.ts';
import { mountedImage } from './mounted.ts';
import {
  draftOf,
  type ImageNote,
  type ImageSpec,
  imageFileOf,
  imageNotePath,
  isDraft,
  readImageNote,
  writeImageNote,
} from './place.ts';
import { refuseRoot } from './root.ts';
import { readImageFile } from './superblock.ts';
import { runTool, tryTool } from './tool.ts';

export interface InitImageOptions extends PoolPlace {
  readonly clock: Clock;
  /** What was asked for; null to take the image that the root says it has. Without a size: one that is there already. */
  readonly spec: (Omit<ImageSpec, 'sizeBytes'> & { readonly sizeBytes: number | null }) | null;
  /** The pool that is in the image is called so from now on. */
  readonly rename?: boolean;
}

/**
 * Makes a pool in an image, or mounts the one that is there. Safe to run again, and after it was cut off at any moment.
 * Throws what `makeImage`, `mountImage` and `initPool` throw, and CheckError IMAGE_NEEDS_ROOT, IMAGE_NO_BTRFS,
 * TOOL_MISSING, IMAGE_FOREIGN for an image of another pool.
 */
export async function initImagePool(options: InitImageOptions): Promise<Pool> {
  const { name, root, clock, spec, rename = false } = options;
  await requireSupport(name);
  const place = { name, root };
  const note = await readImageNote(root);
  const file = note && spec?.file == null ? note.file : imageFileOf(root, { file: spec?.file ?? null });
  const isWhole = await completeDraft(place, file);
  const known = isWhole ? await readImageNote(root) : note;
  if (known && !(await isInTheMaking(file))) {
    await mountImage(place, await noteAt(place, known, file));
    return initPoolIn({ name, root, clock, rename });
  }
  if (spec && spec.sizeBytes !== null) {
    return makeImage({ name, root, clock, spec: { ...spec, sizeBytes: spec.sizeBytes } });
  }
  return adoptImage(place, file, { allocate: spec?.allocate ?? false, clock, rename });
}

/** As `initPool`, in an image that is mounted; its label is the pool's name, by which it is known without being mounted. */
async function initPoolIn(options: Parameters<typeof initPool>[0]): Promise<Pool> {
  const pool = await initPool(options);
  labelBtrfs(options.root, options.name);
  return pool;
}

/** Whether a root is where an image belongs, or is being made. */
export async function isInImage(root: string): Promise<boolean> {
  if (await readImageNote(root)) return true;
  const mounted = await mountedImage(root);
  return mounted !== null && isDraft(mounted.file);
}

/** Only the draft is there: what the note says of it is not so yet. */
async function isInTheMaking(file: string): Promise<boolean> {
  return !(await isThere(file)) && (await isThere(draftOf(file)));
}

/** The note as it is from now on: an image that was moved is taken by its id. */
async function noteAt({ name, root }: PoolPlace, note: ImageNote, file: string): Promise<ImageNote> {
  if (note.file === file || (await isThere(note.file))) return note;
  const found = await readImageFile(file);
  if (found?.btrfs?.uuid !== note.uuid) return note; // mounting says what is wrong
  const moved = { ...note, file };
  await writeImageNote(root, moved);
  await mountImage({ name, root }, moved);
  await writeImageNote(root, moved);
  return moved;
}

/** Takes an image that was made elsewhere, or by an earlier run whose root is gone. */
async function adoptImage(place: PoolPlace, file: string, spec: AdoptSpec): Promise<Pool> {
  const { name, root } = place;
  const found = await readImageFile(file);
  if (!found?.btrfs) {
    const is = found ? 'holds no btrfs' : 'is not there';
    throw new UsageError(
      'IMAGE_SIZE_MISSING',
      `--image: expected a size like 200G, as ${file} ${is}: one is to be made`,
      { file },
    );
  }
  if (found.btrfs.label !== name && !spec.rename) throw foreign(place, file, found.btrfs.label);
  await refuseRoot(name, root);
  const note: ImageNote = {
    schema: 'spica.image/v1',
    file,
    uuid: found.btrfs.uuid,
    allocate: spec.allocate,
  };
  await makeDirectory(pathsOf(root).own);
  await writeImageNote(root, note);
  await mountImage(place, note);
  const marker = await readMarker(pathsOf(root));
  if (!marker || (marker.name !== name && !spec.rename)) {
    await runTool(`${root} could not be unmounted`, 'umount', ['--', root]);
    await rm(imageNotePath(root), { force: true });
    throw foreign(place, file, marker?.name ?? '');
  }
  await writeImageNote(root, note);
  return initPoolIn({ ...place, clock: spec.clock, rename: spec.rename });
}

interface AdoptSpec {
  readonly allocate: boolean;
  readonly clock: Clock;
  readonly rename: boolean;
}

function foreign({ name }: PoolPlace, file: string, of: string): CheckError {
  return new CheckError(
    'IMAGE_FOREIGN',
    `pool ${name}: the image ${file} is that of ${of === '' ? 'no pool' : `the pool "${of}"`}; expected "${name}" ` +
      '(`spica init --rebind` gives an image that is taken a new name)',
    { file },
  );
}

/** Throws CheckError where this machine can have no image, before anything is touched. */
async function requireSupport(name: string): Promise<void> {
  const refuse = (code: string, why: string) => new CheckError(code, `pool ${name}: image: ${why}`);
  if (process.geteuid?.() !== 0) {
    throw refuse('IMAGE_NEEDS_ROOT', 'only root may make and mount one: run it with `sudo`');
  }
  await tryTool('mkfs.btrfs', ['--version']);
  await tryTool('losetup', ['--version']);
  if (knowsBtrfs()) return;
  await tryTool('modprobe', ['btrfs']).catch(() => null); // no such program: then the kernel has what it has
  if (knowsBtrfs()) return;
  throw refuse(
    'IMAGE_NO_BTRFS',
    'this kernel has no btrfs (/proc/filesystems does not list it): take one that has, as distributions do, or a pool without an image',
  );
}

function knowsBtrfs(): boolean {
  return /\bbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8'));
}
