import { execa } from 'execa';

/**
 * Lists directories with `find`: not recursively, so that what is left out is not entered.
 *
 * Paths are keys: relative to the walked directory, each byte as one Latin-1 character (names need not be UTF-8), with
 * a `/` behind directories, as rsync prints them. The directory itself is `./`.
 */
export interface Walk {
  readonly dir: string;
  /** Keys of the directories to list. */
  readonly directories: readonly string[];
  /** What to print of each entry, in find's words, without NUL bytes. */
  readonly format: string;
  readonly signal?: AbortSignal;
}

/** Thrown when something vanished between being listed and being looked at: what was walked is changing. */
export class VanishedError extends Error {}

/** Thrown when a part cannot be read; the message is find's. */
export class UnreadableError extends Error {}

/** One entry of a walk. */
export interface Entry {
  readonly key: string;
  readonly isDirectory: boolean;
  /** What the format says of it. */
  readonly facts: string;
}

/** Hands over each entry; a listed directory comes twice. Throws VanishedError, UnreadableError, or the signal's reason. */
export async function walkEntries(
  { dir, directories, format, signal }: Walk,
  onEntry: (entry: Entry) => void,
): Promise<void> {
  const child = execa(
    'find',
    ['-P', '-files0-from', '-', '-maxdepth', '1', '-printf', `%p\\0%y ${format}\\0`],
    {
      cwd: dir,
      env: { LC_ALL: 'C' },
      input: Buffer.from(directories.map(startingPoint).join(''), 'latin1'),
      buffer: { stdout: false },
      encoding: 'buffer',
      reject: false,
      ...(signal ? { cancelSignal: signal } : {}),
    },
  );
  const split = createSplitter(onEntry);
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) split(chunk);
  const { failed, stderr, shortMessage } = await child;
  signal?.throwIfAborted();
  if (!failed) return;
  const complaints = Buffer.from(stderr).toString('utf8').trim();
  const first = complaints.split('\n', 1)[0] || (shortMessage ?? 'find failed');
  const vanished = complaints !== '' && complaints.split('\n').every(isVanished);
  throw vanished ? new VanishedError(first) : new UnreadableError(first);
}

/** The keys of a directory and of all those below it, on its filesystem. Throws what `walkEntries` throws. */
export async function listDirectories(dir: string, signal?: AbortSignal): Promise<string[]> {
  const directories: string[] = [];
  let level = ['./'];
  while (level.length > 0) {
    directories.push(...level);
    const listed = new Set(level);
    const next: string[] = [];
    const walk = { dir, directories: level, format: '', ...(signal ? { signal } : {}) };
    await walkEntries(walk, ({ key, isDirectory }) => {
      if (isDirectory && !listed.has(key)) next.push(key);
    });
    level = next;
  }
  return directories;
}

/**
 * Splits find's output into entries: for each `<path>\0<type> <facts>\0`. What a chunk ends in the middle of is put in
 * front of the next.
 */
function createSplitter(onEntry: (entry: Entry) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let path = 0;
    for (;;) {
      const facts = data.indexOf(0, path) + 1;
      const end = facts === 0 ? 0 : data.indexOf(0, facts) + 1;
      if (end === 0) break;
      const isDirectory = data[facts] === 100; // d
      onEntry({
        key: keyAt(data, path, facts - 1, isDirectory),
        isDirectory,
        facts: data.toString('latin1', facts + 2, end - 1),
      });
      path = end;
    }
    rest = data.subarray(path);
  };
}

/** The key of the path between two bytes of find's output, where it is `.` or `./…`. */
function keyAt(data: Buffer, start: number, end: number, isDirectory: boolean): string {
  if (end - start === 1) return './';
  const path = data.toString('latin1', start + 2, end);
  return isDirectory ? `${path}/` : path;
}

function startingPoint(key: string): string {
  return key === './' ? '.\0' : `./${key.slice(0, -1)}\0`;
}

function isVanished(line: string): boolean {
  return line.endsWith('No such file or directory') || line.endsWith('Not a directory');
}
