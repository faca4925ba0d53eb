import { rm } from 'node:fs/promises';
import type { CheckError, Clock } from '@spica/core';
import { retryFor } from '../async/retry.ts';
import { outOf } from '../clone/full-disk.ts';
import { jsonFile } from '../json-file.ts';
import { type FileLock, tryFileLock } from './file-lock.ts';
import { describeHolder, type Holder, holderSchema, identifySelf, isAlive, isElsewhere } from './identity.ts';

const PATIENCE_MS = 2_000;

/** Synced: a power cut must not leave an empty one, which nobody could read. */
const holderFile = jsonFile({
  schema: holderSchema,
  code: 'CLAIM_UNREADABLE',
  is: 'a claim, which says who holds it',
  remedy: 'remove it when no process of Spica runs there',
  sync: true,
});

/** Something that one process at a time may do, claimed by a file. */
export interface Claim {
  /**
   * Sees to it that the claim still keeps others out: makes good what somebody removed of its files. Throws what `refused`
   * makes of the process that has it now; then this one has lost it.
   */
  renew(): Promise<void>;
  release(): Promise<void>;
}

export interface ClaimOptions {
  /** What for, as people know it: `spica up`. */
  readonly purpose: string;
  readonly clock: Clock;
  /** The error for when another process has it. */
  readonly refused: (holder: string) => CheckError;
}

/**
 * Claims a file for this process, until it releases it or ends: a lock on a file beside it makes it the only one, and
 * the file says who it is, where the disk has room for that. A holder that is named and runs keeps it, though its lock file
 * was removed. Throws what `refused` makes of the holder, CheckError
 * CLAIM_UNREADABLE when what is there is no claim, and what `tryFileLock` throws.
 */
export async function claim(path: string, { purpose, clock, refused }: ClaimOptions): Promise<Claim> {
  const self = { ...(await identifySelf()), purpose, since: new Date(clock.now()).toISOString() };
  let lock = await takeLock(path, refused);
  try {
    const holder = await holderFile.load(path);
    if (holder && (await mayStillHold(holder, self))) throw refused(describeHolder(holder));
    await sayWho(path, self);
  } catch (error) {
    lock.release();
    throw error;
  }
  return {
    async renew() {
      if (!lock.isInPlace()) {
        const again = await takeLock(path, refused, self);
        lock.release();
        lock = again;
      }
      const holder = await holderFile.load(path);
      if (holder === null) await sayWho(path, self);
      else if (!isSame(holder, self)) throw refused(describeHolder(holder));
    },
    release: () => release(path, self).finally(() => lock.release()),
  };
}

/**
 * Whether a holder whose lock could be had may hold the claim all the same: under another kernel, which keeps its locks to
 * itself, or in another process here, whose lock file was removed. A process of another container cannot be looked at.
 */
async function mayStillHold(holder: Holder, self: Holder): Promise<boolean> {
  if (isElsewhere(holder, self)) return true;
  return holder.host === self.host && holder.pid !== self.pid && (await isAlive(holder));
}

/**
 * On a full disk the lock alone has to do:
 * whoever deletes must be able to, since that makes the room.
 */
async function sayWho(path: string, self: Holder): Promise<void> {
  try {
    await holderFile.save(path, self);
  } catch (error) {
    if (outOf(error) === null) throw error;
  }
}

/**
 * A process that has just taken the lock has not written yet who it is, or lets go of it again: the file is missing, or
 * names a dead holder, or `self`.
 */
async function takeLock(path: string, refused: ClaimOptions['refused'], self?: Holder): Promise<FileLock> {
  const isOther = (holder: Holder) => self === undefined || !isSame(holder, self);
  const taken = await retryFor(PATIENCE_MS, async () => {
    const lock = tryFileLock(`${path}.lock`);
    if (lock) return lock;
    const holder = await holderFile.load(path);
    if (holder && isOther(holder) && (await isAlive(holder))) throw refused(describeHolder(holder));
    return null;
  });
  if (taken) return taken;
  const holder = await holderFile.load(path);
  throw refused(holder && isOther(holder) ? describeHolder(holder) : 'another process');
}

/** Only what is still ours: an operator may have removed it, and another process claimed it. */
async function release(path: string, self: Holder): Promise<void> {
  const holder = await holderFile.load(path);
  if (holder && isSame(holder, self)) await rm(path, { force: true });
}

function isSame(a: Holder, b: Holder): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.since === b.since && a.host === b.host;
}
