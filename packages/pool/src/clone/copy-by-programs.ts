import { lstatSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { execa } from 'execa';
import { boundToUs } from '../bound.ts';
import { copyStat, hasAttributes } from '../native/attributes.ts';
import { pathAt, textOf } from '../template/key.ts';
import type { Snapshot } from '../template/prepared.ts';
import type { Division } from './division.ts';

/**
 * `--reflink=auto` serves both other ways: each file is cloned where the disk can, and else copied by the kernel
 * (copy_file_range), with holes as holes; a plain `cp -a` does the same in coreutils 9 and copies in older ones.
 */
const CP = ['-a', '--reflink=auto'];

/** Of what a program complains of, as much is quoted. */
const MOST_LINES = 3;

/** Programs that copy now, for all clones of this process. */
let running = 0;

/**
 * Copies a snapshot with `cp`: a large one with as many of them at once as there are cores that no other clone uses, and
 * its division allows. Measured on 20,000 files and 0.5 GB (ext4): one 1,000 ms, two on two cores 640. Throws what a
 * program says when it fails (a part may be left), with all that it printed in `stderr`, and the signal's reason; all of
 * them have ended then.
 *
 * @param options Further ones for `cp`; for what is copied by one program.
 */
export async function copyByPrograms(
  { path, division }: Snapshot,
  to: string,
  signal?: AbortSignal,
  options: readonly string[] = [],
) {
  const most = Math.min(division?.groups.length ?? 1, availableParallelism() - running);
  const programs = Math.max(1, most);
  running += programs;
  try {
    const isDivided = programs > 1 && division && (await makeShared(to, division.shared));
    if (isDivided) await copyDivided(path, to, division, programs, signal);
    else await cp([...options, '-T', '--', path, to], path, signal);
  } finally {
    running -= programs;
  }
}

/**
 * Makes the shared directories. False, with nothing made, where the directory above hands down an ACL: what the programs
 * share would keep it, and only a program that makes a directory itself takes it away.
 */
async function makeShared(to: string, shared: Division['shared']): Promise<boolean> {
  for (const directory of shared) {
    const path = pathAt(to, directory);
    await mkdir(path, { mode: 0o700 });
    if (directory !== './' || !hasAttributes(path)) continue;
    await rmdir(path);
    return false;
  }
  return true;
}

async function copyDivided(
  from: string,
  to: string,
  division: Division,
  programs: number,
  signal?: AbortSignal,
) {
  const failed = new AbortController();
  const given = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const copies = shareOut(division.groups, programs).map((keys) => {
    return cp(['--parents', '--target-directory', to, '--', ...keys.map(textOf)], from, given).catch(
      (error) => {
        failed.abort(error); // the others need not go on, and must have ended before what they made is removed
        throw error;
      },
    );
  });
  await Promise.allSettled(copies);
  signal?.throwIfAborted();
  failed.signal.throwIfAborted();
  // Writing into a directory moves its times: the inner directories first, when nothing is written any more.
  for (const directory of division.shared.toReversed()) {
    copyStat(lstatSync(pathAt(from, directory), { bigint: true }), pathAt(to, directory));
  }
}

/** The groups weigh the same, so that any of them together do so too. */
function shareOut(groups: Division['groups'], lanes: number): string[][] {
  return Array.from({ length: lanes }, (_, lane) => groups.filter((_, i) => i % lanes === lane).flat());
}

async function cp(args: readonly string[], cwd: string, signal?: AbortSignal): Promise<void> {
  const { failed, stderr, exitCode, originalMessage } = await execa(...boundToUs('cp', [...CP, ...args]), {
    cwd,
    env: { LC_ALL: 'C' },
    stdin: 'ignore',
    stdout: 'ignore',
    reject: false, // its error would begin with the command line, which may hold thousands of names
    ...(signal ? { cancelSignal: signal } : {}),
  });
  signal?.throwIfAborted();
  if (!failed) return;
  const said = stderr.split('\n', MOST_LINES).join('; ') || originalMessage || `cp ended with ${exitCode}`;
  throw Object.assign(new Error(said), { stderr });
}
