import { constants, type Stats } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckError, isoTime, reasonOf } from '@spica/core';
import type { Pool } from '../layout.ts';

const NAME = '.tournament_lock';
const PROTECTS_MS = 3_600_000;
/** A lock file holds a few lines; whatever is larger is not one, and is not read in full. */
const MOST_BYTES = 64 * 1024;
/** What is in its place may have been replaced since: a link is not followed, and a pipe not waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** How long an instance's lock file protects it. */
export interface LockFile {
  /** Epoch milliseconds; at most an hour from now. */
  readonly until: number;
  /** What of its times is not to be believed, for people; null where all are. */
  readonly doubt: string | null;
}

/**
 * Until when an instance's `.tournament_lock` protects it: for an hour from its `started_at` (epoch seconds). What cannot
 * be read, or lies after `now`, is no start: then its mtime counts, and where that lies after `now` too, its ctime, which
 * nobody can set. Null where there is no lock file. Throws CheckError LOCK_FILE_UNREADABLE when nobody can tell.
 */
export async function readLockFile(pool: Pool, id: string, now: number): Promise<LockFile | null> {
  const path = join(pool.pathOf(id), NAME);
  const stat = await statOf(path, id);
  if (!stat) return null;
  const startedAt = stat.isFile() ? await readStartedAt(path) : null;
  const times = [startedAt, stat.mtimeMs, stat.ctimeMs].filter((time) => time !== null);
  const from = times.find((time) => time <= now) ?? now;
  return { until: Math.round(from + PROTECTS_MS), doubt: sayAhead(startedAt, stat.mtimeMs, now) };
}

/** A start that is ahead by less was written on a host whose clock is a little ahead. */
const TOLERATED_MS = 60_000;

function sayAhead(startedAt: number | null, mtimeMs: number, now: number): string | null {
  const ahead = (time: number | null) => time !== null && time > now + TOLERATED_MS;
  if (ahead(startedAt)) return 'its started_at lies in the future';
  return ahead(mtimeMs) ? `its mtime, ${isoTime(mtimeMs)}, lies in the future` : null;
}

async function statOf(path: string, id: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    const message = `instance ${id}: ${path} cannot be looked at: ${reasonOf(error)}`;
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
