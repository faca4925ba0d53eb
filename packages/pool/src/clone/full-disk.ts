import { statfs } from 'node:fs/promises';
import { CheckError } from '@spica/core';

/** What programs in the C locale and Node say when there is no room; Node has no name for EDQUOT. */
const FULL = /No space left on device|ENOSPC/;
const QUOTA = /Disk quota exceeded|Unknown system error -122\b/;

/**
 * What a failure comes to when it was for want of space: CheckError NO_SPACE that says in plain words what ran out, to
 * be called before anything is cleaned up. Null for any other failure.
 *
 * @param failure What was thrown, or what a program printed.
 * @param dir A directory on the disk in question.
 * @param what What could not be done, for the message.
 */
export async function asNoSpace(failure: unknown, dir: string, what: string): Promise<CheckError | null> {
  const text = String(failure);
  const quota = QUOTA.test(text);
  if (!quota && !FULL.test(text)) return null;
  const reason = quota ? 'the disk quota is used up' : await whatRanOut(dir);
  return new CheckError('NO_SPACE', `${what}: ${reason}`, { dir }, failure);
}

async function whatRanOut(dir: string): Promise<string> {
  const { files, ffree } = await statfs(dir);
  const noInodes = files > 0 && ffree === 0; // btrfs says 0 of 0
  return noInodes
    ? `the disk is full: it has no inodes left (all ${files} are in use)`
    : 'the disk is full (no space left on device)';
}
