import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isInstanceId } from '@spica/core';
import type { Pool } from '../layout.ts';

/** A process that uses an instance. */
export interface LiveUse {
  readonly pid: number;
  readonly command: string;
  readonly how: 'works in it' | 'runs from it' | 'has a file of it open';
}

export interface LiveUses {
  /** Instance id → the first process found that uses it. */
  readonly byInstance: ReadonlyMap<string, LiveUse>;
  /**
   * Processes that could not be looked into: they count as using nothing. The kernel hides a process only from those of
   * other users, or of lesser privileges (ptrace(2), "access mode checking"): a container's first process, for one.
   */
  readonly unreadable: number;
}

/**
 * Looks through /proc for processes whose working directory, executable or open files lie in an instance. Empty where
 * there is no /proc. This process is passed over: it looks into instances itself. Source: proc(5).
 */
export async function findLiveUses(pool: Pool): Promise<LiveUses> {
  const byInstance = new Map<string, LiveUse>();
  let unreadable = 0;
  const root = await realpath(pool.paths.root);
  for (const pid of await listPids()) {
    const found = await look(pid);
    if (found === 'gone') continue;
    if (found === 'unreadable') {
      unreadable += 1;
      continue;
    }
    for (const [how, path] of found) {
      const id = instanceAt(root, path);
      if (id && !byInstance.has(id)) byInstance.set(id, { pid, command: await commandOf(pid), how });
    }
  }
  return { byInstance, unreadable };
}

async function listPids(): Promise<number[]> {
  const names = await readdir('/proc').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

type Places = [how: LiveUse['how'], path: string][];

async function look(pid: number): Promise<Places | 'gone' | 'unreadable'> {
  const dir = `/proc/${pid}`;
  try {
    const cwd = await readlink(`${dir}/cwd`).catch(ignoreLongName);
    const places: Places = cwd === null ? [] : [['works in it', cwd]];
    // A kernel thread has no executable, and a process that is just ending neither.
    const executable = await readlink(`${dir}/exe`).catch(ignoreGone);
    if (executable) places.push(['runs from it', executable]);
    for (const fd of await readdir(`${dir}/fd`)) {
      const path = await readlink(join(dir, 'fd', fd)).catch(ignoreGone);
      if (path) places.push(['has a file of it open', path]);
    }
    return places;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return 'gone';
    if (code === 'EACCES' || code === 'EPERM') return 'unreadable';
    throw error;
  }
}

/** A working directory that is gone means that the process is; one without a name does not. */
function ignoreLongName(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENAMETOOLONG') return null;
  throw error;
}

/** A path of more than 4,096 bytes has no name that the kernel could tell: the others of that process still count. */
function ignoreGone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ESRCH' || error.code === 'ENAMETOOLONG') return null;
  throw error;
}

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(ignoreGone))?.trim() || '?';
}

function instanceAt(root: string, path: string): string | null {
  if (!path.startsWith(root + sep)) return null;
  const name =
    path
      .slice(root.length + 1)
      .split(sep)[0]
      ?.replace(/ \(deleted\)$/, '') ?? '';
  return isInstanceId(name) ? name : null;
}

/** Processes that still have files of deleted trees open. `dirs` are the trees as they were called. */
export async function findDeletedOpen(
  dirs: readonly string[],
): Promise<{ readonly pid: number; readonly command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  for (const pid of await listPids()) {
    const places = await look(pid);
    if (typeof places === 'string') continue;
    const holds = places.some(
      ([, path]) => path.endsWith(' (deleted)') && dirs.some((dir) => path.startsWith(dir)),
    );
    if (holds) found.push({ pid, command: await commandOf(pid) });
  }
  return found;
}
