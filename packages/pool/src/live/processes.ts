import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isInstanceId } from '@spica/core';
import type { Pool } from '../layout.ts';
import { isOwn } from './own-programs.ts';
import { createViews } from './view.ts';

/** A process that uses an instance. */
export interface LiveUse {
  readonly pid: number;
  readonly command: string;
  readonly how:
    | 'works in it'
    | 'runs from it'
    | 'has a file of it open'
    | 'has a file of it mapped'
    | 'has it mounted';
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

/** A mapping of a file: address, mode, offset, device, inode number, and the path with `\012` for line breaks. */
const MAPPED = /^\S+ \S+ \S+ \S+ [1-9]\d* +(\/.*)$/gm;
/** Others get their turn after so long. */
const SLICE_MS = 5;

/**
 * Looks through /proc for processes whose working directory, executable, or open or mapped files lie in an instance, or
 * that live where one is mounted by itself, as containers do. Empty where there is no /proc. This process is passed over,
 * and so are its programs that measure: they look into instances themselves. Source: proc(5).
 *
 * Reads synchronously, a slice at a time: /proc is no disk that could keep one waiting, and a call through the thread
 * pool costs thirty times the reading of a link.
 */
export async function findLiveUses(pool: Pool): Promise<LiveUses> {
  const byInstance = new Map<string, LiveUse>();
  let unreadable = 0;
  const viewOf = createViews(await realpath(pool.paths.root));
  for await (const [pid, found] of scanProcesses()) {
    if (found === 'unreadable') {
      unreadable += 1;
      continue;
    }
    const view = viewOf(pid);
    const mounted = view.mounted.map((path): Place => ['has it mounted', path]);
    const used = found.map(([how, path]): Place => [how, view.inPool(path) ?? '']);
    for (const [how, path] of [...used, ...mounted]) {
      const id = instanceAt(path);
      if (id && !byInstance.has(id)) byInstance.set(id, { pid, command: commandOf(pid), how });
    }
  }
  return { byInstance, unreadable };
}

async function* scanProcesses(): AsyncIterable<[pid: number, found: Place[] | 'unreadable']> {
  let slice = performance.now();
  for (const pid of listPids()) {
    if (performance.now() - slice > SLICE_MS) {
      await setImmediate();
      slice = performance.now();
    }
    const found = look(pid);
    if (found !== 'gone') yield [pid, found];
  }
}

function listPids(): number[] {
  const names = unlessGone(() => readdirSync('/proc')) ?? [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !isOwn(pid));
}

type Place = [how: LiveUse['how'], path: string];

function look(pid: number): Place[] | 'gone' | 'unreadable' {
  const dir = `/proc/${pid}`;
  try {
    const cwd = readWorkingDirectory(dir);
    const places: Place[] = cwd === null ? [] : [['works in it', cwd]];
    // A kernel thread has no executable, and a process that is just ending neither.
    const executable = unlessGone(() => readlinkSync(`${dir}/exe`));
    if (executable) places.push(['runs from it', executable]);
    for (const fd of readdirSync(`${dir}/fd`)) {
      const path = unlessGone(() => readlinkSync(`${dir}/fd/${fd}`));
      if (path) places.push(['has a file of it open', path]);
    }
    for (const path of mappedBy(dir)) places.push(['has a file of it mapped', path]);
    return places;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return 'gone';
    if (code === 'EACCES' || code === 'EPERM') return 'unreadable';
    throw error;
  }
}

/** What lies in memory of a file need not be open any more: libraries, or an array that is read as it is needed. */
function mappedBy(dir: string): Set<string> {
  const lines = unlessGone(() => readFileSync(`${dir}/maps`, 'utf8')) ?? '';
  return new Set(Array.from(lines.matchAll(MAPPED), ([, path = '']) => path.replaceAll('\\012', '\n')));
}

/**
 * The first process whose working directory is in an instance right now; null where there is none. It takes a millisecond,
 * for a last look before a deletion. Processes that may not be looked into count as elsewhere.
 */
export async function findWorkingIn(pool: Pool, id: string): Promise<LiveUse | null> {
  const viewOf = createViews(await realpath(pool.paths.root));
  for (const pid of listPids()) {
    const cwd = unlessUnseen(() => readlinkSync(`/proc/${pid}/cwd`));
    if (cwd === null || instanceAt(viewOf(pid).inPool(cwd) ?? '') !== id) continue;
    return { pid, command: commandOf(pid), how: 'works in it' };
  }
  return null;
}

function unlessUnseen<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if ([...GONE, 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** A working directory that is gone means that the process is; one without a name does not. */
function readWorkingDirectory(dir: string): string | null {
  try {
    return readlinkSync(`${dir}/cwd`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENAMETOOLONG') return null;
    throw error;
  }
}

/** A path of more than 4,096 bytes has no name that the kernel could tell: the others of that process still count. */
const GONE = ['ENOENT', 'ESRCH', 'ENAMETOOLONG'];

function unlessGone<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (GONE.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

function commandOf(pid: number): string {
  return unlessGone(() => readFileSync(`/proc/${pid}/comm`, 'utf8'))?.trim() || '?';
}

/** The instance that a path below the pool's root leads to, or into. */
function instanceAt(path: string): string | null {
  const name = path.split('/', 1)[0]?.replace(/ \(deleted\)$/, '') ?? '';
  return isInstanceId(name) ? name : null;
}

/**
 * Processes that still have files of deleted trees open. `dirs` are the trees as they were called; the directories that
 * they were in are still there.
 */
export async function findDeletedOpen(
  dirs: readonly string[],
): Promise<{ readonly pid: number; readonly command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  const trees = await Promise.all(
    dirs.map(async (dir) => join(await realpath(dirname(dir)), basename(dir))), // as the kernel calls them
  );
  for await (const [pid, places] of scanProcesses()) {
    if (typeof places === 'string') continue;
    const holds = places.some(
      ([, path]) => path.endsWith(' (deleted)') && trees.some((tree) => path.startsWith(tree)),
    );
    if (holds) found.push({ pid, command: commandOf(pid) });
  }
  return found;
}
