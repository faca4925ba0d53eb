import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isInstanceId } from '@spica/core';
import type { Pool } from '../layout.ts';
import { below } from '../mountinfo.ts';
import { isRefusal, unlessGone, unlessUnseen } from './gone.ts';
import { isOwn } from './own-programs.ts';
import { createViews } from './view.ts';

/** Who uses an instance: a process, or a filesystem that is mounted here. */
export interface LiveUse {
  /** Null for a filesystem, which lasts without any process. */
  readonly pid: number | null;
  /** The process's name; of a filesystem, where it is mounted. */
  readonly command: string;
  readonly how:
    | 'works in it'
    | 'runs from it'
    | 'has a file of it open'
    | 'has a file of it mapped'
    | 'has it mounted'
    | 'sees a filesystem made of it'
    | 'is made of it';
}

/** A use in words: `process 4711 (pytest) works in it`. */
export function describeUse({ pid, command, how }: LiveUse): string {
  return pid === null ? `the filesystem at ${command} ${how}` : `process ${pid} (${command}) ${how}`;
}

export interface LiveUses {
  /** Instance id → the first use of it that was found. */
  readonly byInstance: ReadonlyMap<string, LiveUse>;
  /**
   * Processes that could not be looked into: what they have open is not known, only what is mounted where they are. The
   * kernel hides a process only from those of other users, or of lesser privileges (ptrace(2), "access mode checking").
   */
  readonly unreadable: number;
  /** Why there may be processes that are not even listed, in words; null where all are. */
  readonly hidden: string | null;
}

/** A mapping of a file: address, mode, offset, device, inode number, and the path with `\012` for line breaks. */
const MAPPED = /^\S+ \S+ \S+ \S+ [1-9]\d* +(\/.*)$/gm;
/** Others get their turn after so long. */
const SLICE_MS = 5;

/**
 * Looks through /proc for processes whose working directory, root, executable, or open or mapped files lie in an instance,
 * or that live where one is mounted by itself, as containers do, or where a filesystem is made of one (`findLayered`).
 * Empty where there is no /proc. This process is passed over, and so are its programs that measure: they look into
 * instances themselves. Source: proc(5).
 *
 * Reads synchronously, a slice at a time: /proc is no disk that could keep one waiting, and a call through the thread
 * pool costs thirty times the reading of a link.
 */
export async function findLiveUses(pool: Pool): Promise<LiveUses> {
  const byInstance = new Map<string, LiveUse>();
  const add = (id: string | null, use: () => LiveUse) => {
    if (id !== null && !byInstance.has(id)) byInstance.set(id, use());
  };
  let unreadable = 0;
  const views = createViews(await realpath(pool.paths.root));
  const isOurs = ({ id }: { readonly id: string }) => existsSync(pool.pathOf(id));
  for (const { id, point } of views.here.layered.filter(isOurs)) {
    add(id, () => ({ pid: null, command: point, how: 'is made of it' }));
  }
  for await (const [pid, found] of scanProcesses()) {
    if (!found.isWhole && !isKernelThread(pid)) unreadable += 1;
    const view = views.of(pid);
    const used = found.places.map(([how, path]) => [how, instanceAt(view.inPool(path) ?? '')] as const);
    const mounted = view.mounted.map((path) => ['has it mounted', instanceAt(path)] as const);
    const layered = view.layered
      .filter(isOurs)
      .map(({ id }) => ['sees a filesystem made of it', id] as const);
    for (const [how, id] of [...used, ...mounted, ...layered]) {
      add(id, () => ({ pid, command: commandOf(pid), how }));
    }
  }
  return { byInstance, unreadable, hidden: sayHidden() };
}

/** The initial process namespace. Source: the kernel's include/uapi/linux/nsfs.h, PROC_PID_INIT_INO. */
const INITIAL_NAMESPACE = 'pid:[4026531836]';

/**
 * Why nobody can look from here for the processes that use an instance, in words: there is no /proc, or, in a container
 * with processes of its own, the others are not listed. Null where it can be looked for. It stays as it is for as long as
 * this process runs.
 */
export function whyBlind(): string | null {
  const namespace = unlessUnseen(() => readlinkSync('/proc/self/ns/pid'));
  if (namespace === null) return 'processes are not listed, as there is no /proc';
  return namespace === INITIAL_NAMESPACE ? null : 'processes outside of this container are not listed';
}

/** Not even listed are also, where /proc is mounted so, those of other users. */
function sayHidden(): string | null {
  const blind = whyBlind();
  if (blind !== null) return blind;
  return existsSync('/proc/1')
    ? null
    : 'processes of other users are not listed (/proc is mounted with hidepid)';
}

/** The kernel's own threads use no files of users. Source: proc_pid_stat(5), field 9, and PF_KTHREAD. */
function isKernelThread(pid: number): boolean {
  const stat = unlessUnseen(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '';
  const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]);
  return (flags & 0x00200000) !== 0;
}

async function* scanProcesses(): AsyncIterable<[pid: number, found: Found]> {
  let slice = performance.now();
  for (const pid of listPids()) {
    if (performance.now() - slice > SLICE_MS) {
      await setImmediate();
      slice = performance.now();
    }
    const found = look(pid);
    if (found !== null) yield [pid, found];
  }
}

function listPids(): number[] {
  const names = unlessGone(() => readdirSync('/proc')) ?? [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !isOwn(pid));
}

type Place = readonly [how: LiveUse['how'], path: string];

/** What is known of a process: all of it, or what could be seen. */
interface Found {
  readonly places: readonly Place[];
  readonly isWhole: boolean;
}

/** Null where it is gone. */
function look(pid: number): Found | null {
  const places: Place[] = [];
  try {
    for (const place of placesOf(`/proc/${pid}`)) places.push(place);
    return { places, isWhole: true };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    if (isRefusal(error)) return { places, isWhole: false };
    throw error;
  }
}

function* placesOf(dir: string): Iterable<Place> {
  const cwd = readWorkingDirectory(dir);
  if (cwd !== null) yield ['works in it', cwd];
  const root = unlessGone(() => readlinkSync(`${dir}/root`));
  if (root) yield ['works in it', root];
  // A kernel thread has no executable, and a process that is just ending neither.
  const executable = unlessGone(() => readlinkSync(`${dir}/exe`));
  if (executable) yield ['runs from it', executable];
  for (const fd of readdirSync(`${dir}/fd`)) {
    const path = unlessGone(() => readlinkSync(`${dir}/fd/${fd}`));
    if (path) yield ['has a file of it open', path];
  }
  for (const path of mappedBy(dir)) yield ['has a file of it mapped', path];
}

/** What lies in memory of a file need not be open any more: libraries, or an array that is read as it is needed. */
function mappedBy(dir: string): Set<string> {
  const lines = unlessGone(() => readFileSync(`${dir}/maps`, 'utf8')) ?? '';
  return new Set(Array.from(lines.matchAll(MAPPED), ([, path = '']) => path.replaceAll('\\012', '\n')));
}

/** Looks for working directories that have been asked for and not begun, by the root of the pool. */
const nextLooks = new Map<string, Promise<ReadonlyMap<string, number>>>();

/**
 * The first process whose working directory is in an instance right now; null where there is none. It takes a millisecond,
 * for a last look before a deletion: calls that come while one is about to begin share it, never one that has begun.
 * Processes that may not be looked into count as elsewhere.
 */
export async function findWorkingIn({ paths }: Pool, id: string): Promise<LiveUse | null> {
  const look = nextLooks.get(paths.root) ?? lookAtWorkingDirectories(paths.root);
  nextLooks.set(paths.root, look);
  const pid = (await look).get(id);
  return pid === undefined ? null : { pid, command: commandOf(pid), how: 'works in it' };
}

/** By instance, the first process that works in it. */
async function lookAtWorkingDirectories(root: string): Promise<ReadonlyMap<string, number>> {
  const path = await realpath(root).finally(() => nextLooks.delete(root)); // who asks from here on gets another
  const views = createViews(path);
  const found = new Map<string, number>();
  for (const pid of listPids()) {
    const cwd = unlessUnseen(() => readlinkSync(`/proc/${pid}/cwd`));
    const id = cwd === null ? null : instanceAt(views.of(pid).inPool(cwd) ?? '');
    if (id !== null && !found.has(id)) found.set(id, pid);
  }
  return found;
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
  for await (const [pid, { places }] of scanProcesses()) {
    const holds = places.some(
      ([, path]) => path.endsWith(' (deleted)') && trees.some((tree) => path.startsWith(tree)),
    );
    if (holds) found.push({ pid, command: commandOf(pid) });
  }
  return found;
}

/** Processes that work in a directory, run from it, or have a file below it open or mapped; so many of them at most. */
export async function findUsersBelow(
  dir: string,
  most: number,
): Promise<(Pick<LiveUse, 'pid' | 'command'> & { readonly path: string })[]> {
  const found: { pid: number; command: string; path: string }[] = [];
  const real = await realpath(dir); // as the kernel calls it
  for await (const [pid, { places }] of scanProcesses()) {
    const place = places.find(([, path]) => below(real, path) !== null);
    if (place) found.push({ pid, command: commandOf(pid), path: place[1] });
    if (found.length === most) break;
  }
  return found;
}
