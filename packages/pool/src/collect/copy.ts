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
import { nullIfVanished, openAt } from './open.ts';
import { rawPath } from './raw.ts';

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const CHUNK_BYTES = 2 ** 20;

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
  const file = openAt(source);
  if (file === null) return { skipped: 'it vanished meanwhile' };
  if (file === 'moved') return { skipped: 'it was moved meanwhile' };
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return { skipped: 'it is no regular file any more' };
    makeDirectories(dirname(path), { from, to });
    const copy = openSync(rawPath(join(to, path)), CREATE, 0o600);
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
  const names = text.toString('latin1');
  if (isAbsolute(names) || names.split('/').includes('..')) {
    return { skipped: `it is a link that leads out of its directory: ${text}` };
  }
  makeDirectories(dirname(path), { from, to });
  symlinkSync(text, rawPath(join(to, path)));
  return { bytes: 0 };
}

function readLinkIfThere(path: string): Buffer | null {
  try {
    return readlinkSync(rawPath(path), { encoding: 'buffer' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return null; // no link any more
    return nullIfVanished(error);
  }
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
    mkdirSync(rawPath(join(to, path)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectories(dirname(path), { from, to });
    mkdirSync(rawPath(join(to, path)));
  }
  if (!isRoot()) return;
  const original = openAt(join(from, path));
  if (original === null || original === 'moved') return;
  try {
    const { uid, gid } = fstatSync(original);
    lchownSync(rawPath(join(to, path)), uid, gid);
  } finally {
    closeSync(original);
  }
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
