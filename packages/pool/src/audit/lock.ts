import { readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { CheckError } from '@spica/core';

const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 5;

/**
 * Runs `work` while no other process writes to the log: the worker, `spica prune --offline` and operators' commands may
 * write to one file. The lock is a symbolic link to the holder's process id, made in one step and without a block of its
 * own, so that it can be taken on a full disk. A dead process's lock is taken over.
 * Throws CheckError AUDIT_LOCKED when another process holds it for longer than 5 s.
 */
export async function withLogLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const deadline = performance.now() + PATIENCE_MS;
  while (!take(lock)) {
    if (removeDead(lock)) continue;
    if (performance.now() > deadline) {
      throw new CheckError('AUDIT_LOCKED', `audit log ${path}: process ${holderOf(lock)} holds ${lock}`, {
        path,
      });
    }
    await setTimeout(LOOK_EVERY_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    symlinkSync(String(process.pid), lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Only one of several takes a dead lock away; one that took a live lock by mistake puts it back. */
function removeDead(lock: string): boolean {
  const holder = holderOf(lock);
  if (holder === null) return true;
  if (isAlive(Number(holder))) return false;
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (holderOf(aside) === holder) rmSync(aside, { force: true });
    else renameSync(aside, lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // another process was faster
  }
  return true;
}

function holderOf(lock: string): string | null {
  try {
    return readlinkSync(lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
