import { constants, type Stats } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckError } from '@spica/core';
import type { Pool } from '../layout.ts';

const NAME = '.tournament_lock';
const PROTECTS_MS = 3_600_000;
/** A lock file holds a few lines; whatever is larger is not one, and is not read in full. */
const MOST_BYTES = 64 * 1024;
/** A start that is later than this after the file was last written is none: it would protect for ever. */
const MOST_AHEAD_MS = 86_400_000;
/** What is in its place may have been replaced since: a link is not followed, and a pipe not waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Until when an instance's `.tournament_lock` protects it (epoch milliseconds): for an hour from its `started_at`
 * (epoch seconds), or from its mtime where that cannot be read, whatever lies there. Null where there is none. Throws
 * CheckError LOCK_FILE_UNREADABLE when nobody can tell whether there is one.
 */
export async function lockFileUntil(pool: Pool, id: string): Promise<number | null> {
  const path = join(pool.pathOf(id), NAME);
  const stat = await statOf(path, id);
  if (!stat) return null;
  const startedAt = stat.isFile() ? await readStartedAt(path) : null;
  const { mtimeMs } = stat;
  const isCredible = startedAt !== null && startedAt <= mtimeMs + MOST_AHEAD_MS;
  return Math.round((isCredible ? startedAt : mtimeMs) + PROTECTS_MS);
}

async function statOf(path: string, id: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    const message = `instance ${id}: ${path} cannot be looked at: ${error}`;
    throw new CheckError('LOCK_FILE_UNREADABLE', message, { id }, error);
  }
}

/** Epoch milliseconds; null for what is unreadable, half written, or of another form. */
async function readStartedAt(path: string): Promise<number | null> {
  try {
    const file = await open(path, FLAGS);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
      const startedAt: unknown = JSON.parse(buffer.toString('utf8', 0, bytesRead))?.started_at;
      return typeof startedAt === 'number' && Number.isFinite(startedAt) ? startedAt * 1000 : null;
    } finally {
      await file.close();
    }
  } catch {
    return null; // then its mtime counts
  }
}
