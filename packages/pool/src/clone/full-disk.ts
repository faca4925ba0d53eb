import { statfs } from 'node:fs/promises';
import { CheckError } from '@spica/core';

/** How the message of an error of Node's begins; it has no name for EDQUOT. What comes after it may be anything's name. */
const NODE_SAYS = { disk: /^ENOSPC: /, quota: /^Unknown system error -122: / };
/** How a line of a program in the C locale ends, of rsync with the number: the names before it are in quotes. */
const PROGRAM_SAYS = {
  disk: /: No space left on device(?: \(28\))?$/m,
  quota: /: Disk quota exceeded(?: \(122\))?$/m,
};

/**
 * What has run out, as a failure says: the disk, or a quota on it; null for any other failure. A program's failure has
 * what it printed in `stderr`, as execa's errors do.
 */
export function outOf(failure: unknown): 'disk' | 'quota' | null {
  if (!(failure instanceof Error)) return null;
  const printed = (failure as { stderr?: string | Uint8Array }).stderr;
  const [says, text] = printed?.length
    ? [PROGRAM_SAYS, Buffer.from(printed as string).toString()]
    : [NODE_SAYS, failure.message];
  if (says.quota.test(text)) return 'quota';
  return says.disk.test(text) ? 'disk' : null;
}

/**
 * What a failure comes to when it was for want of space: CheckError NO_SPACE that says in plain words what ran out, to
 * be called before anything is cleaned up. `details.out` is what `outOf` says. Null for any other failure.
 *
 * @param failure What was thrown.
 * @param dir A directory on the disk in question.
 * @param what What could not be done, for the message.
 */
export async function asNoSpace(failure: unknown, dir: string, what: string): Promise<CheckError | null> {
  const out = outOf(failure);
  if (out === null) return null;
  const reason = out === 'quota' ? 'the disk quota is used up' : await whatRanOut(dir);
  return new CheckError('NO_SPACE', `${what}: ${reason}`, { dir, out }, failure);
}

async function whatRanOut(dir: string): Promise<string> {
  const { files, ffree } = await statfs(dir);
  const noInodes = files > 0 && ffree === 0; // btrfs says 0 of 0
  return noInodes
    ? `the disk is full: it has no inodes left (all ${files} are in use)`
    : 'the disk is full (no space left on device)';
}
