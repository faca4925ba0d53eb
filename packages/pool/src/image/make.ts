import { randomUUID } from 'node:crypto';
import { chmod, rename, rm, truncate } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { CheckError, type Clock, formatBytes } from '@spica/core';
import { tryFileLock } from '../claim/file-lock.ts';
import { type Pool, pathsOf } from '../layout.ts';
import { makeDirectory } from '../make-directory.ts';
import { initPool } from '../marker/init.ts';
import type { PoolPlace } from '../marker/marker.ts';
import { isThere } from '../missing.ts';
import { enableSimpleQuotas } from '../native/btrfs-quota.ts';
import { readSpace } from '../space.ts';
import { syncDirectory } from '../write-whole.ts';
import { discardDraft } from './draft.ts';
import { mountFile } from './mount.ts';
import {
  draftOf,
  type ImageNote,
  type ImageSpec,
  imageFileOf,
  mountOptions,
  writeImageNote,
} from './place.ts';
import { firstMissing, refuseRoot, removeEmpty } from './root.ts';
import { runTool } from './tool.ts';

export interface MakeImageOptions extends PoolPlace {
  readonly clock: Clock;
  readonly spec: ImageSpec;
}

/**
 * Makes an image and the pool in it: the file, a btrfs with simple quotas, mounted at the pool's root, and the marker.
 * The file has a draft's name until all of that is there, so that one that was cut off can be told from a whole one
 * (`draft.ts`). Throws CheckError, with nothing left behind: IMAGE_EXISTS, IMAGE_BUSY (another process makes it),
 * POOL_ROOT_IN_USE, IMAGE_NO_ROOM, IMAGE_FAILED, IMAGE_NO_QUOTAS.
 */
export async function makeImage(options: MakeImageOptions): Promise<Pool> {
  const { name, root, spec } = options;
  const file = imageFileOf(root, spec);
  await refuseFile(name, file);
  const draft = draftOf(file);
  const lock = tryFileLock(draft);
  if (!lock) {
    throw new CheckError('IMAGE_BUSY', `pool ${name}: another process is making the image ${file}`, { file });
  }
  const above = await firstMissing(root);
  try {
    await discardDraft(root, file); // of an interrupted run
    await refuseRoot(name, root);
    await refuseSize(options, dirname(file));
    return await make(options, file);
  } catch (error) {
    await discardDraft(root, file);
    await rm(draft, { force: true });
    if (above !== null) await removeEmpty(root, above);
    throw error;
  } finally {
    lock.release();
  }
}

async function make({ name, root, clock, spec }: MakeImageOptions, file: string): Promise<Pool> {
  const draft = draftOf(file);
  const note: ImageNote = { schema: 'spica.image/v1', file, uuid: randomUUID(), allocate: spec.allocate };
  await chmod(draft, 0o600);
  await fillFile(draft, spec);
  const what = `pool ${name}: no btrfs could be made in ${file}`;
  await runTool(what, 'mkfs.btrfs', ['--quiet', '--label', name, '--uuid', note.uuid, '--', draft]);
  await makeDirectory(pathsOf(root).own);
  await writeImageNote(root, note);
  await mountFile({ name, root }, draft, mountOptions(note));
  switchQuotasOn(name, root);
  await makeDirectory(pathsOf(root).own);
  await writeImageNote(root, note);
  const pool = await initPool({ name, root, clock });
  await rename(draft, file);
  await syncDirectory(dirname(file));
  return pool;
}

async function fillFile(draft: string, { sizeBytes, allocate }: ImageSpec): Promise<void> {
  if (!allocate) return truncate(draft, sizeBytes);
  await runTool('its room could not be taken', 'fallocate', ['--length', String(sizeBytes), '--', draft]);
}

/** Before anything is written, so that everything is charged. */
function switchQuotasOn(name: string, root: string): void {
  try {
    enableSimpleQuotas(root);
  } catch (cause) {
    throw new CheckError(
      'IMAGE_NO_QUOTAS',
      `pool ${name}: the kernel keeps no simple quotas on btrfs, which an image needs: expected Linux 6.7 or newer, ` +
        `this is ${release()} (${(cause as Error).message})`,
      {},
      cause,
    );
  }
}

async function refuseFile(name: string, file: string): Promise<void> {
  if (await isThere(file)) {
    throw new CheckError(
      'IMAGE_EXISTS',
      `pool ${name}: image: expected no file at ${file}, but there is one; an image that was made before is taken ` +
        'with `spica init --image-file FILE`',
      { file },
    );
  }
  if (await isThere(dirname(file))) return;
  throw new CheckError('IMAGE_FAILED', `pool ${name}: image: there is no directory ${dirname(file)}`, {
    file,
  });
}

async function refuseSize({ name, spec }: MakeImageOptions, dir: string): Promise<void> {
  const { availableBytes } = await readSpace(dir);
  if (!spec.allocate || availableBytes >= spec.sizeBytes) return;
  throw new CheckError(
    'IMAGE_NO_ROOM',
    `pool ${name}: image: ${formatBytes(spec.sizeBytes)} are to be taken at once, but ${dir} has ` +
      `${formatBytes(availableBytes)} available`,
    { dir },
  );
}
