import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Space } from '@spica/core';
import { readSpace } from '../space.ts';
import { readImageNote } from './place.ts';
import { readUnwritten } from './unwritten.ts';

/** The disk that a pool's image lies on, where that is sparse and takes more of it as it fills. */
export interface ImageHost {
  readonly dir: string;
  readonly space: Space;
  /** What the image may still take of it. */
  readonly mayGrowBytes: number;
  /** What of that its btrfs takes for itself (`readUnwritten`): the gate does not count on it. */
  readonly unwrittenBytes: number;
}

/** Null for a pool that is in no image, or in one that took all of its room at once. Throws what the filesystem says. */
export async function readImageHost(root: string): Promise<ImageHost | null> {
  const note = await readImageNote(root);
  if (!note || note.allocate) return null;
  const dir = dirname(note.file);
  const { bytes: unwrittenBytes } = await readUnwritten(note);
  const [{ size, blocks }, space] = await Promise.all([stat(note.file), readSpace(dir)]);
  return {
    dir,
    space,
    mayGrowBytes: Math.max(0, size - blocks * 512),
    unwrittenBytes,
  };
}
