import { BLOCK_BYTES } from '../blocks.ts';

/** One file, directory or link of an instance, as `find` prints it. */
export interface Entry {
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  readonly links: number;
  readonly allocatedBytes: number;
  readonly apparentBytes: number;
  /** Digits: not every inode number is one that a float can hold. Empty where nothing else can be that inode. */
  readonly inode: string;
  /** Epoch milliseconds, rounded up: whole seconds would call a change of the same second older than it is. */
  readonly changedAt: number;
}

/** What `find` is to print: `/NAME` where a starting point begins, then a line for each entry, itself included. */
export const FIND_FORMAT = [
  '(',
  '!',
  '-path',
  '*/*',
  '-printf',
  '/%f\\n',
  ',',
  '-printf',
  '%y %n %b %s %i %C@\\n',
  ')',
];

const SPACE = 32;
const DOT = 46;
const LINE_BREAK = 10;
const SLASH = 47;
const ZERO = 48;
const DIRECTORY = 100;
const FILE = 102;
/** Which of the numbers in a line is the inode's. */
const INODE = 3;

/**
 * Reads find's output, a chunk at a time. Numbers are read from the bytes: a million entries as strings would take
 * longer to split than to walk.
 */
export function createEntryReader(on: { start(name: string): void; entry(entry: Entry): void }) {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk: Buffer): void => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const end = data.lastIndexOf(LINE_BREAK) + 1;
    let at = 0;
    while (at < end) {
      const next = data.indexOf(LINE_BREAK, at);
      if (data[at] === SLASH) on.start(data.toString('latin1', at + 1, next));
      else on.entry(readEntry(data, at, next));
      at = next + 1;
    }
    rest = data.subarray(end);
  };
}

/** Reads one entry from what find printed of it: `TYPE LINKS BLOCKS SIZE INODE CHANGED`. */
export function readEntry(data: Buffer, start: number, end: number): Entry {
  const numbers = [0, 0, 0, 0, 0, 0];
  let field = 0;
  let inodeAt = start;
  let inodeEnd = start;
  for (let at = start + 2; at < end; at += 1) {
    const byte = data[at] ?? SPACE;
    if (byte === SPACE) {
      field += 1;
      if (field === INODE) inodeAt = at + 1;
      if (field === INODE + 1) inodeEnd = at;
    } else if (byte === DOT) {
      numbers[5] = millisecondsOf(data, at + 1, end);
      break;
    } else numbers[field] = (numbers[field] ?? 0) * 10 + byte - ZERO;
  }
  const [links = 1, blocks = 0, apparentBytes = 0, , seconds = 0, fraction = 0] = numbers;
  return {
    isDirectory: data[start] === DIRECTORY,
    isFile: data[start] === FILE,
    links,
    allocatedBytes: blocks * BLOCK_BYTES,
    apparentBytes,
    inode: links > 1 ? data.toString('latin1', inodeAt, inodeEnd) : '',
    changedAt: seconds * 1000 + fraction,
  };
}

/** The digits after the point of `%C@`, ten of them, as whole milliseconds, rounded up. */
function millisecondsOf(data: Buffer, start: number, end: number): number {
  return Math.ceil(Number(`0.${data.toString('latin1', start, end)}`) * 1000);
}
