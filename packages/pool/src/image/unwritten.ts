import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfMissing } from '@spica/core';
import type { ImageNote } from './place.ts';

/** Bytes that a mounted sparse image may still take of its host's disk, besides what is still written into it. */
export interface Unwritten {
  /**
   * All of them: what is in memory, and what its metadata may take at most. btrfs writes that to other blocks of its
   * chunks at each commit, so that with time all of them are on the host's disk, however little is in them, until they
   * are trimmed.
   */
  readonly bytes: number;
  /** What was written into it and is in memory yet, also by instances that have been deleted since. */
  readonly inMemoryBytes: number;
}

/**
 * Nothing where it is not mounted. Read before the host's disk is, nothing is missed: what goes to the disk in between
 * counts twice. From /sys/fs/btrfs/UUID/allocation (fs/btrfs/sysfs.c; `disk_` counts both copies of what is kept twice).
 * Throws what the filesystem says.
 */
export async function readUnwritten({ file, uuid }: Pick<ImageNote, 'file' | 'uuid'>): Promise<Unwritten> {
  const allocation = join('/sys/fs/btrfs', uuid, 'allocation');
  if (!existsSync(allocation)) return { bytes: 0, inMemoryBytes: 0 };
  // At once: the kernel makes them up from memory, and whoever decides waits for them.
  const figure = (kind: string, name: string) => Number(readFileSync(join(allocation, kind, name), 'utf8'));
  const room = (kind: string) => figure(kind, 'disk_total') - figure(kind, 'disk_used');
  const inMemory = figure('data', 'bytes_may_use') + figure('data', 'bytes_reserved');
  const inChunks = room('metadata') + room('system');
  const there = await nullIfMissing(stat(file));
  const mayGrow = there ? Math.max(0, there.size - there.blocks * 512) : Number.POSITIVE_INFINITY;
  return { bytes: Math.min(mayGrow, inMemory + inChunks), inMemoryBytes: Math.min(mayGrow, inMemory) };
}
