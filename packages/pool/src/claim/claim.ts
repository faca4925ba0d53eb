import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { CheckError, type Clock } from '@spica/core';
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

/** Enough for claims that end while one looks; more means that somebody keeps making broken ones. */
const TRIES = 20;

/**
 * Claims a file for this process; a dead process's claim is taken over at once. Throws what `refused` makes of the
 * holder, or CheckError CLAIM_UNREADABLE when what is there is no claim.
 */
export async function claim(path: string, { purpose, clock, refused }: ClaimOptions): Promise<Claim> {
  const self = await identifySelf(purpose, clock.now());
  const own = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(own, `${JSON.stringify(self)}\n`, { flag: 'wx' });
  try {
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (await linkIfFree(own, path)) return { release: () => release(path, self) };
      const holder = await readHolder(path);
      if (holder && (await isAlive(holder))) throw refused(describeHolder(holder));
      if (holder) await removeDead(path, holder, own);
    }
    throw new CheckError('CLAIM_UNREADABLE', `${path}: other processes keep claiming it`, { path });
  } finally {
    await rm(own, { force: true });
  }
}

/** `link` fails where there is one already: of two processes only one succeeds. */
async function linkIfFree(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch (cause) {
    const hint = 'remove it when no process of Spica runs there';
    throw new CheckError(
      'CLAIM_UNREADABLE',
      `${path}: expected who holds it, got what cannot be read; ${hint}`,
      { path },
      cause,
    );
  }
}

/** Only one of several takes the dead claim away; one that took a live claim by mistake puts it back. */
async function removeDead(path: string, dead: Holder, own: string): Promise<void> {
  const aside = `${own}.dead`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const taken = await readHolder(aside);
  if (taken && !sameHolder(taken, dead)) await linkIfFree(aside, path);
  await rm(aside, { force: true });
}

async function release(path: string, self: Holder): Promise<void> {
  const holder = await readHolder(path);
  if (holder && sameHolder(holder, self)) await rm(path, { force: true });
}

function sameHolder(a: Holder, b: Holder): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.since === b.since && a.host === b.host;
}
