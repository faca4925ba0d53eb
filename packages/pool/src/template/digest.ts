import { createHash } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { createFactsReader, FACTS_WORDS, type FactsReader } from '../native/stat.ts';
import { parentOf } from './key.ts';

/** Directories of a template that are looked at together. */
export interface Part {
  /** Keys (walk.ts) of directories that rsync copies. */
  readonly directories: readonly string[];
  /** Keys of what lies in them and is left out. */
  readonly leftOut: ReadonlySet<string>;
  /** How many entries they had, what is left out too. */
  readonly entries: number;
}

/** A hash over the part, or why there is none: something vanished while it was looked at, or cannot be read. */
export type Digest =
  | { readonly digest: Uint8Array }
  | { readonly vanished: string }
  | { readonly unreadable: string };

class TooManyError extends Error {}

const GONE = ['ENOENT', 'ENOTDIR'];
/** So much is hashed at a time. */
const MOST_AT_ONCE = 2_000;
const NAMES_BYTES = 64 * 1024;

/**
 * A hash over name, mode, size, inode number and change time of the listed directories and of all that lies in them, but
 * for what is left out. Any change of an entry moves its change time, which cannot be set; what takes its place is
 * another inode. Mode and size tell changes apart where a clock was set back. Nothing else runs in this thread meanwhile.
 *
 * @param most With more entries than that it has come upon something else, and gives up.
 */
export function digestPart(dir: string, part: Part, most = Number.POSITIVE_INFINITY): Digest {
  try {
    return { digest: hash(dir, part, most) };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return error instanceof TooManyError || GONE.includes(code)
      ? { vanished: message }
      : { unreadable: message };
  }
}

function hash(dir: string, { directories, leftOut }: Part, most: number): Buffer {
  const reader = createFactsReader();
  const sums = createSums(reader);
  const mixed = new Set([...leftOut].map(parentOf));
  let left = most;
  for (const directory of directories) {
    const key = Buffer.from(directory, 'latin1');
    const path = Buffer.concat([Buffer.from(`${dir}/`), key]);
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      reader.readSelf(fd, path);
      sums.add(key, 0, key.length);
      const isMixed = mixed.has(directory);
      reader.readAll(fd, path, (start, end, isDirectory) => {
        left -= 1;
        if (left < 0) throw new TooManyError('there are many more entries than there were');
        const isLeftOut =
          isMixed && leftOut.has(keyOf(directory, reader.names.subarray(start, end), isDirectory));
        if (!isLeftOut) sums.add(reader.names, start, end);
      });
    } finally {
      closeSync(fd);
    }
  }
  return sums.end();
}

function keyOf(directory: string, name: Uint8Array, isDirectory: boolean): string {
  const prefix = directory === './' ? '' : directory;
  return prefix + Buffer.from(name).toString('latin1') + (isDirectory ? '/' : '');
}

/** Hashes names and facts apart, each as they come: byte by byte, since a call for each entry would cost more. */
function createSums(reader: FactsReader) {
  const sums = { names: createHash('sha256'), facts: createHash('sha256') };
  const names = new Uint8Array(NAMES_BYTES);
  const facts = new Uint32Array(FACTS_WORDS * MOST_AT_ONCE);
  let nameAt = 0;
  let factAt = 0;
  const flush = () => {
    sums.names.update(names.subarray(0, nameAt));
    sums.facts.update(facts.subarray(0, factAt));
    nameAt = 0;
    factAt = 0;
  };
  return {
    add(data: Uint8Array, start: number, end: number) {
      if (factAt === facts.length || nameAt + end - start >= names.length) flush();
      for (let at = start; at < end; at += 1) names[nameAt++] = data[at] ?? 0;
      names[nameAt++] = 0;
      reader.write(facts, factAt);
      factAt += FACTS_WORDS;
    },
    end() {
      flush();
      return createHash('sha256').update(sums.names.digest()).update(sums.facts.digest()).digest();
    },
  };
}
