import { readFile, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { CheckError, type Clock } from '@spica/core';
import { outOf } from '../clone/full-disk.ts';
import { writeFileWhole } from '../write-whole.ts';
import { type FileLock, tryFileLock } from './file-lock.ts';
import { describeHolder, type Holder, holderSchema, identifySelf, isAlive, isElsewhere } from './identity.ts';

const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 5;

/** Something that one process at a time may do, claimed by a file. */
export interface Claim {
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
 * the file says who it is, where the disk has room for that. Throws what `refused` makes of the holder, CheckError CLAIM_UNREADABLE when what is there is
 * no claim, and what `tryFileLock` throws.
 */
export async function claim(path: string, { purpose, clock, refused }: ClaimOptions): Promise<Claim> {
  const self = { ...(await identifySelf()), purpose, since: new Date(clock.now()).toISOString() };
  const lock = await takeLock(path, refused);
  try {
    const holder = await readHolder(path);
    if (holder && isElsewhere(holder, self)) throw refused(describeHolder(holder));
    await sayWho(path, self);
  } catch (error) {
    lock.release();
    throw error;
  }
  return { release: () => release(path, self).finally(lock.release) };
}

/**
 * Synced: a power cut must not leave an empty one, which nobody could read. On a full disk the lock alone has to do:
 * whoever deletes must be able to, since that makes the room.
 */
async function sayWho(path: string, self: Holder): Promise<void> {
  try {
    await writeFileWhole(path, `${JSON.stringify(self)}\n`, { sync: true });
  } catch (error) {
    if (outOf(error) === null) throw error;
  }
}

/** Whoever has just taken the lock has not said yet who it is: the file is missing, or tells of a dead holder. */
async function takeLock(path: string, refused: ClaimOptions['refused']): Promise<FileLock> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const lock = tryFileLock(`${path}.lock`);
    if (lock) return lock;
    const holder = await readHolder(path);
    const isLate = performance.now() >= deadline;
    if (holder && (isLate || (await isAlive(holder)))) throw refused(describeHolder(holder));
    if (isLate) throw refused('another process');
    await setTimeout(LOOK_EVERY_MS);
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, error);
  }
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): CheckError {
  const hint = 'remove it when no process of Spica runs there';
  const message = `${path}: expected who holds it, got what cannot be read; ${hint}`;
  return new CheckError('CLAIM_UNREADABLE', message, { path }, cause);
}

/** Only what is still ours: an operator may have removed it, and another process claimed it. */
async function release(path: string, self: Holder): Promise<void> {
  const holder = await readHolder(path);
  if (holder && isSame(holder, self)) await rm(path, { force: true });
}

function isSame(a: Holder, b: Holder): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.since === b.since && a.host === b.host;
}
