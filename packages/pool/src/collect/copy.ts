import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { dataRanges } from '../native/data.ts';

/** Never through a link that took the file's place, and never waiting for the other end of a pipe. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const CHUNK_BYTES = 2 ** 20;
/** What was there when it was listed, and is not, or is another kind of thing now. */
const VANISHED = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'];

/** What a copy did: how many bytes of data it wrote, or why the entry is left out. */
export type Copied = { readonly bytes: number } | { readonly skipped: string };

export interface CopyTerms {
  /** The directory that paths are relative to: a real path, without links. */
  readonly from: string;
  readonly to: string;
  /** Called before each piece is written, with its bytes; throws to end the copy. */
  readonly beforeWrite: (bytes: number) => void;
}

/**
 * Copies a regular file with its holes, mode and times, and as root its owner. Whatever is done to the directories above it
 * meanwhile, only a file that lies at that very path below `from` is read. Throws what the filesystem says.
 */
export function copyFile(path: string, { from, to, beforeWrite }: CopyTerms): Copied {
  const source = join(from, path);
  const file = openIfThere(source);
  if (file === null) return { skipped: 'it vanished meanwhile' };
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return { skipped: 'it is no regular file any more' };
    if (readlinkSync(`/proc/self/fd/${file}`) !== source) return { skipped: 'it was moved meanwhile' };
    const target = join(to, path);
    makeDirectories(dirname(path), { from, to });
    const copy = openSync(target, CREATE, 0o600);
    try {
      const bytes = copyData(file, copy, { size: stat.size, path: source, beforeWrite });
      keepFacts(copy, stat);
      return { bytes };
    } finally {
      closeSync(copy);
    }
  } finally {
    closeSync(file);
  }
}

/** Copies a link that leads nowhere but below its own directory; others would lead whoever reads the copy out of it. */
export function copyLink(path: string, { from, to }: Pick<CopyTerms, 'from' | 'to'>): Copied {
  const text = readLinkIfThere(join(from, path));
  if (text === null) return { skipped: 'it vanished meanwhile' };
  if (isAbsolute(text) || text.split('/').includes('..')) {
    return { skipped: `it is a link that leads out of its directory: ${text}` };
  }
  makeDirectories(dirname(path), { from, to });
  symlinkSync(text, join(to, path));
  return { bytes: 0 };
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, READ);
  } catch (error) {
    return nullIfVanished(error);
  }
}

function readLinkIfThere(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return null; // no link any more
    return nullIfVanished(error);
  }
}

function nullIfVanished(error: unknown): null {
  if (VANISHED.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
  throw error;
}

function copyData(
  file: number,
  copy: number,
  { size, path, beforeWrite }: { size: number; path: string } & Pick<CopyTerms, 'beforeWrite'>,
): number {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, size)));
  let written = 0;
  let end = 0;
  for (const range of dataRanges(file, size, path)) {
    for (let at = range.start; at < range.end; end = at) {
      const read = readSync(file, buffer, 0, Math.min(buffer.length, range.end - at), at);
      if (read === 0) break; // it was cut off meanwhile
      beforeWrite(read);
      for (let done = 0; done < read; ) done += writeSync(copy, buffer, done, read - done, at + done);
      at += read;
      written += read;
    }
  }
  if (end < size) ftruncateSync(copy, size); // a hole at its end
  return written;
}

/** No bit that would run it as somebody else. */
function keepFacts(copy: number, stat: Stats): void {
  if (isRoot()) fchownSync(copy, stat.uid, stat.gid);
  fchmodSync(copy, stat.mode & 0o777);
  futimesSync(copy, stat.atime, stat.mtime);
}

/** The directories above an entry; as root they belong to whom they belong in the instance. */
function makeDirectories(path: string, { from, to }: Pick<CopyTerms, 'from' | 'to'>): void {
  if (path === '.') return;
  try {
    mkdirSync(join(to, path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectories(dirname(path), { from, to });
    mkdirSync(join(to, path));
  }
  if (!isRoot()) return;
  const original = openIfThere(join(from, path));
  if (original === null) return;
  try {
    const { uid, gid } = fstatSync(original);
    lchownSync(join(to, path), uid, gid);
  } finally {
    closeSync(original);
  }
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
