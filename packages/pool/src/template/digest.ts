import { createHash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { parentOf } from './key.ts';

/** Directories of a template that are read together. */
export interface Part {
  /** Keys (walk.ts) of directories that rsync copies. */
  readonly directories: readonly string[];
  /** Keys of what lies in them and is left out. */
  readonly leftOut: ReadonlySet<string>;
}

/** A hash over the part, or why there is none: something vanished while it was read, or cannot be read. */
export type Digest =
  | { readonly digest: Uint8Array }
  | { readonly vanished: string }
  | { readonly unreadable: string };

const GONE = ['ENOENT', 'ENOTDIR'];
/** Numbers that are hashed of each entry. */
const FACTS = 4;
const DIRECTORY = 0o040000n;
const TYPE = 0o170000n;
const NOT_ASCII = /[^\0-\x7f]/;
/** Inode numbers and times in nanoseconds are larger than what a number holds exactly. */
const EXACT = { bigint: true } as const;

/**
 * A hash over name, mode, size, inode number and change time of the listed directories and of all that lies in them, but
 * for what is left out. Any change of an entry moves its change time, which cannot be set; what takes its place is
 * another inode. Mode and size tell changes apart where a clock was set back. It reads synchronously: nothing else runs
 * in this thread meanwhile.
 */
export function digestPart(dir: string, { directories, leftOut }: Part): Digest {
  const sum = createHash('sha256');
  const mixed = new Set([...leftOut].map(parentOf));
  try {
    for (const directory of directories) {
      const isLeftOut = mixed.has(directory) ? (key: string) => leftOut.has(key) : () => false;
      const { names, facts } = readDirectory(dir, directory, isLeftOut);
      sum.update(names, 'latin1').update(facts);
    }
    return { digest: sum.digest() };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return GONE.includes(code) ? { vanished: message } : { unreadable: message };
  }
}

/** Names and facts of a directory and of what lies in it, in the order of the names. */
function readDirectory(dir: string, directory: string, isLeftOut: (key: string) => boolean) {
  const path = Buffer.from(`${dir}/`).toString('latin1') + directory;
  const prefix = directory === './' ? '' : directory;
  const found = readdirSync(pathOf(path), 'latin1');
  const facts = new BigUint64Array(FACTS * (found.length + 1));
  let names = `${directory}\0`;
  let at = 0;
  const add = ({
    mode,
    ino,
    size,
    ctimeNs,
  }: {
    mode: bigint;
    ino: bigint;
    size: bigint;
    ctimeNs: bigint;
  }) => {
    facts[at++] = mode;
    facts[at++] = ino;
    facts[at++] = size;
    facts[at++] = ctimeNs;
  };
  add(lstatSync(pathOf(path), EXACT));
  for (const name of found) {
    const stat = lstatSync(pathOf(path + name), EXACT);
    const key = prefix + name;
    if (isLeftOut((stat.mode & TYPE) === DIRECTORY ? `${key}/` : key)) continue;
    names += `${name}\0`;
    add(stat);
  }
  return { names: `${names}\0`, facts: facts.subarray(0, at) };
}

/** The path that is named by these bytes, one in each character. Node passes on a text in half the time. */
function pathOf(bytes: string): string | Buffer {
  return NOT_ASCII.test(bytes) ? Buffer.from(bytes, 'latin1') : bytes;
}
