import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloneMethod } from '@spica/core';
import { execa } from 'execa';
import type { Pool } from '../layout.ts';
import { removeAfter } from '../remove/remove-after.ts';
import { removeTree } from '../remove/remove-tree.ts';
import { inThread } from '../threads/threads.ts';
import { asNoSpace, outOf } from './full-disk.ts';
import { stagingPath } from './staging.ts';

/** A few blocks: what fits into an inode would be copied along with it, whatever the disk can do. */
const TRIAL_BYTES = 64 * 1024;

/**
 * Finds how a pool can clone, by trying it in its staging directory: a mount may lack what its filesystem's name
 * promises. Nothing is left behind, or the message ends with what is. Throws CheckError NO_SPACE when there is no room
 * even for a trial.
 */
export async function probeCloneMethod(pool: Pool): Promise<CloneMethod> {
  const dir = stagingPath(pool, 'trial');
  let method: CloneMethod;
  try {
    method = await tryOut(dir);
  } catch (error) {
    const what = `pool ${pool.name}: cloning could not be tried`;
    throw await removeAfter((await asNoSpace(error, pool.paths.staging, what)) ?? error, dir);
  }
  await removeTree(dir);
  return method;
}

async function tryOut(dir: string): Promise<CloneMethod> {
  const content = randomBytes(TRIAL_BYTES);
  await mkdir(dir);
  if (await canSnapshot(dir, content)) return 'snapshot';
  return (await canReflink(dir, content)) ? 'reflink' : 'copy';
}

async function canSnapshot(dir: string, content: Buffer): Promise<boolean> {
  const from = join(dir, 'subvolume');
  if (!(await succeeds('btrfs', ['subvolume', 'create', '--', from]))) return false;
  await writeFile(join(from, 'file'), content);
  const to = join(dir, 'snapshot');
  const isMade = await inThread('snapshot', { from, to }).catch((error: Error) => {
    if (outOf(error)) throw error;
    return false;
  });
  return isMade && content.equals(await readFile(join(to, 'file')));
}

async function canReflink(dir: string, content: Buffer): Promise<boolean> {
  const from = join(dir, 'file');
  const to = join(dir, 'clone');
  await writeFile(from, content);
  return (await succeeds('cp', ['--reflink=always', '--', from, to])) && content.equals(await readFile(to));
}

/** A trial that fails for want of room says nothing of what the disk can do. */
async function succeeds(program: string, args: string[]): Promise<boolean> {
  const result = await execa(program, args, { env: { LC_ALL: 'C' }, stdin: 'ignore', reject: false });
  if (outOf(result)) throw result;
  return !result.failed;
}
