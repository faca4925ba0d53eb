import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { CheckError } from '@spica/core';
import { identifySelf, isRunning, type ProcessIdentity } from './identity.ts';

const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 5;

/**
 * Runs `work`, which takes moments, while no other process or call holds `lock`. The lock is a symbolic link that says
 * who holds it: made in one step, and without a block of its own, so that it can be taken on a full disk. A dead
 * process's lock is taken over. Throws CheckError LOCKED when it is held for longer than 5 s, and what `work` throws.
 */
export async function withFileLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const token = tokenOf(await identifySelf());
  const deadline = performance.now() + PATIENCE_MS;
  while (!take(lock, token)) {
    const holder = holderOf(lock);
    if (holder === null) continue; // let go of just now
    if (!(await isHolderAlive(holder))) await removeDead(lock, holder);
    else if (performance.now() < deadline) await setTimeout(LOOK_EVERY_MS);
    else throw stillHeld(lock, holder);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/**
 * Several may find the same holder dead. They take turns by a lock that is named after it, so that none of them takes
 * away the lock of one that was faster.
 */
async function removeDead(lock: string, holder: string): Promise<void> {
  await withFileLock(`${lock}.${holder.split('.').at(-1)}`, async () => {
    if (holderOf(lock) === holder) rmSync(lock, { force: true });
  });
}

function take(lock: string, token: string): boolean {
  try {
    symlinkSync(token, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(lock: string): string | null {
  try {
    return readlinkSync(lock);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (code === 'EINVAL') return ''; // no link: not made by Spica, so nobody knows whether it is in use
    throw error;
  }
}

/** Who takes a lock, and a number of its own for each time; at most 59 bytes, which ext4 keeps in the inode. */
function tokenOf({ pid, startTicks, boot, host }: ProcessIdentity): string {
  const nonce = randomBytes(4).toString('hex');
  return [pid, startTicks ?? '', shorten(boot ?? ''), shorten(host), nonce].join('.');
}

/** What was taken on another host, or cannot be read, counts as alive: unknown means keep. */
async function isHolderAlive(token: string): Promise<boolean> {
  const here = await identifySelf();
  const [pid, startTicks, boot, host] = token.split('.');
  if (host !== shorten(here.host)) return true;
  if (boot !== shorten(here.boot ?? '')) return false;
  return isRunning(Number(pid), startTicks || null);
}

function shorten(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function stillHeld(lock: string, holder: string): CheckError {
  const who = holder === '' ? 'something that is no lock is in its place' : `process ${holder.split('.')[0]}`;
  return new CheckError('LOCKED', `${lock}: held by ${who}; remove it when no process of Spica runs`, {
    lock,
  });
}
