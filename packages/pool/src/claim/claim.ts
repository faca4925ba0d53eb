import { readFile, rm } from 'node:fs/promises';
import { CheckError, type Clock } from '@spica/core';
import { writeFileWhole } from '../write-whole.ts';
import { withFileLock } from './file-lock.ts';
import { describeHolder, type Holder, holderSchema, identifySelf, isAlive } from './identity.ts';

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
 * Claims a file for this process, until it releases it or ends; a dead process's claim is taken over at once. Throws
 * what `refused` makes of the holder, CheckError CLAIM_UNREADABLE when what is there is no claim, or LOCKED when
 * another process has been claiming it for seconds.
 */
export async function claim(path: string, { purpose, clock, refused }: ClaimOptions): Promise<Claim> {
  const self = { ...(await identifySelf()), purpose, since: new Date(clock.now()).toISOString() };
  await withFileLock(`${path}.lock`, async () => {
    const holder = await readHolder(path);
    if (holder && (await isAlive(holder))) throw refused(describeHolder(holder));
    // Synced: a power cut must not leave an empty one, which nobody could read.
    await writeFileWhole(path, `${JSON.stringify(self)}\n`, { sync: true });
  });
  return { release: () => release(path, self) };
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
