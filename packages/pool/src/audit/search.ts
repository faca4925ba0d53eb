import type { FileHandle } from 'node:fs/promises';
import { type AuditFilter, type AuditLine, createFilter } from './filter.ts';
import { seqOf } from './line.ts';
import { type OpenFile, openAll } from './open-all.ts';
import { readLines } from './read-lines.ts';

/** Entries as they were found, and where to go on. */
export interface AuditFound {
  /** Oldest first. */
  readonly entries: readonly AuditLine[];
  /** The number of the oldest line that was looked at: before it there may be more. Null where the log has no more. */
  readonly before: number | null;
}

export interface AuditSearch {
  readonly filter: AuditFilter;
  readonly limit: number;
  /** Only lines before the one with this number; null for all. */
  readonly before: number | null;
}

/** One search reads no more than this of a log: whoever wants more goes on from there. */
const MOST_BYTES = 32e6;
const BLOCK_BYTES = 256 * 1024;
/** A host's clock may have been set back: so far times are not taken to rise with the lines. */
const SLACK_MS = 3_600_000;
const LINE_BREAK = 10;

/**
 * The last entries that are asked for, from rotated files too. Where to begin is found by bisection, so that the past of a
 * long log costs no more than its end: lines are in order of their numbers, and by an hour at most out of order of time.
 */
export async function searchAudit(path: string, search: AuditSearch): Promise<AuditFound> {
  const files = await openAll(path);
  try {
    return await searchFiles(files, search);
  } finally {
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
}

/** All entries that are asked for after the line with this number, at most `limit`; oldest first. */
export async function searchAuditAfter(
  path: string,
  { filter, limit, after }: Omit<AuditSearch, 'before'> & { readonly after: number },
): Promise<AuditLine[]> {
  const read = createFilter(filter);
  const files = await openAll(path);
  const isNewer = (line: string) => (seqOf(line) ?? 0) > after;
  try {
    const entries: AuditLine[] = [];
    for (const file of files) {
      const from = await firstLine(file, isNewer);
      for await (const { bytes, isWhole } of readLines(file.handle, file.size, from)) {
        const line = isWhole ? bytes.toString('utf8') : '';
        const entry = isNewer(line) ? read(line) : null;
        if (entry) entries.push(entry);
        if (entries.length >= limit) return entries;
      }
    }
    return entries;
  } finally {
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
}

async function searchFiles(
  files: readonly OpenFile[],
  { filter, limit, before }: AuditSearch,
): Promise<AuditFound> {
  const read = createFilter(filter);
  const { since, until } = filter;
  const isBeyond = (line: string) =>
    (before !== null && (seqOf(line) ?? 0) >= before) ||
    (until !== null && (timeOf(line) ?? 0) > until + SLACK_MS);
  const newestFirst: AuditLine[] = [];
  let oldest: number | null = null;
  let bytes = 0;
  for (const file of files.toReversed()) {
    const end = before === null && until === null ? file.size : await firstLine(file, isBeyond);
    for await (const line of linesBackward(file.handle, end)) {
      if (since !== null && (timeOf(line) ?? since) < since - SLACK_MS)
        return { entries: newestFirst.reverse(), before: null };
      bytes += line.length + 1;
      oldest = seqOf(line) ?? oldest;
      const entry = isBeyond(line) ? null : read(line);
      if (entry) newestFirst.push(entry);
      if (newestFirst.length >= limit || bytes > MOST_BYTES) {
        return { entries: newestFirst.reverse(), before: oldest };
      }
    }
  }
  return { entries: newestFirst.reverse(), before: null };
}

/** When a line was written, without reading it as JSON; null where it does not say. */
function timeOf(line: string): number | null {
  return Date.parse(/"timestamp":"([^"]+)"/.exec(line)?.[1] ?? '') || null;
}

/**
 * The offset of the first line that is beyond, or the file's end: all before it are not, and all after it are.
 * Source of the bisection over lines: look(1).
 */
async function firstLine(
  { handle, size }: Pick<OpenFile, 'handle' | 'size'>,
  isBeyond: (line: string) => boolean,
): Promise<number> {
  let [from, to] = [0, size];
  while (to - from > BLOCK_BYTES) {
    const middle = Math.floor((from + to) / 2);
    const found = await lineAt(handle, middle, to);
    if (found === null || isBeyond(found.line)) to = middle;
    else from = found.start;
  }
  let start = from;
  for await (const { bytes, isWhole } of readLines(handle, size, from)) {
    if (!isWhole || isBeyond(bytes.toString('utf8'))) return start;
    start += bytes.length + 1;
  }
  return start;
}

/** The first whole line that begins after `offset`, and before `most`; null for none. */
async function lineAt(handle: FileHandle, offset: number, most: number) {
  let start = offset;
  let isFirst = true;
  for await (const { bytes, isWhole } of readLines(handle, most, offset)) {
    if (!isWhole) return null;
    // The one that `offset` is in the middle of.
    if (!isFirst && seqOf(bytes.toString('utf8')) !== null) return { start, line: bytes.toString('utf8') };
    isFirst = false;
    start += bytes.length + 1;
  }
  return null;
}

/** The whole lines of a file that end before an offset, the last one first. */
async function* linesBackward(handle: FileHandle, end: number): AsyncGenerator<string> {
  let at = end;
  /** The beginning of a line that goes on in blocks that were read. */
  let rest: Buffer = Buffer.alloc(0);
  let isTorn = true;
  while (at > 0) {
    const length = Math.min(BLOCK_BYTES, at);
    at -= length;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
    const data = Buffer.concat([buffer.subarray(0, bytesRead), rest]);
    let stop = data.length;
    for (let cut = data.lastIndexOf(LINE_BREAK); cut !== -1; cut = data.lastIndexOf(LINE_BREAK, stop - 1)) {
      // What stands after the last line break is being written, or torn.
      if (!isTorn && stop > cut + 1) yield data.subarray(cut + 1, stop).toString('utf8');
      isTorn = false;
      stop = cut;
      if (cut === 0) break;
    }
    rest = data.subarray(0, stop);
  }
  if (!isTorn && rest.length > 0) yield rest.toString('utf8');
}
