import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { CheckError } from '@spica/core';
import { retryFor } from '../async/retry.ts';
import { flock, LOCK_EX, LOCK_NB, lastError } from '../native/libc.ts';

const PATIENCE_MS = 5_000;
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
const MODE = 0o640;

/** A lock that is held until it is released, or until the process ends, however that comes. */
export interface FileLock {
  /** Whether the file that is locked is still the one at its path: where it was removed, others lock another. */
  isInPlace(): boolean;
  release(): void;
}

/**
 * Runs `work`, which takes moments, while no other process or call holds the lock. Throws CheckError LOCKED when it is
 * held for longer than 5 s, and what `tryFileLock` and `work` throw.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = await retryFor(PATIENCE_MS, () => tryFileLock(path));
  if (!lock) throw stillHeld(path);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/**
 * Takes the kernel's lock on a file, which is made if need be, and stays; null when another process or call has it. The
 * kernel knows of holders in other containers too, where process numbers say nothing. Source: flock(2). Throws what the
 * filesystem says: some network filesystems know no such locks.
 */
export function tryFileLock(path: string): FileLock | null {
  for (;;) {
    const fd = openSync(path, FLAGS, MODE);
    if (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
      const error = lastError('flock', path);
      closeSync(fd);
      if (error.code === 'EAGAIN') return null;
      throw error;
    }
    // Removed between the two calls: it locks nobody out.
    if (isAt(fd, path)) return { isInPlace: () => isAt(fd, path), release: () => closeSync(fd) };
    closeSync(fd);
  }
}

function isAt(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const { dev, ino } = fstatSync(fd);
  return there?.dev === dev && there.ino === ino;
}

function stillHeld(path: string): CheckError {
  const pid = holderOf(path);
  const who = pid ? `process ${pid}` : 'another process';
  return new CheckError('LOCKED', `${path}: ${who} has held it for ${PATIENCE_MS / 1000} s`, { path });
}

/** The process that holds the lock on a file; null where nobody tells. Source: proc_locks(5). */
function holderOf(path: string): string | null {
  try {
    const { ino } = statSync(path);
    const holder = new RegExp(` FLOCK .* ([1-9]\\d*) [0-9a-f]+:[0-9a-f]+:${ino} `);
    return holder.exec(readFileSync('/proc/locks', 'utf8'))?.[1] ?? null;
  } catch {
    return null; // it is named for people only
  }
}
