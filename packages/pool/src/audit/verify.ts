import { type FileHandle, open } from 'node:fs/promises';
import { nullIfMissing } from '@spica/core';
import { withFileLock } from '../claim/file-lock.ts';
import { auditLineSchema, CHAIN_START, type ChainEnd, hashLine } from './line.ts';
import { lockOf } from './log.ts';
import { type RawLine, readLines } from './read-lines.ts';
import { rotatedFiles } from './rotate.ts';

/** What a check of the whole chain found. */
export interface AuditVerdict {
  readonly lines: number;
  /** Each place where the chain does not hold: `file:line: what is wrong`. */
  readonly problems: readonly string[];
}

/** More are not listed: after the first the rest is mostly its echo. */
const MOST_PROBLEMS = 100;

/**
 * Checks the log with its rotated files, oldest first: every line is one of ours, counts on from the one before and
 * carries its hash. Finds a changed, missing, added or reordered line, except at the very end: what was cut off there
 * leaves no trace in a file; keep the last line's `seq` elsewhere for that. The log may be written to meanwhile.
 */
export async function verifyAudit(path: string): Promise<AuditVerdict> {
  const problems: string[] = [];
  let end: ChainEnd | null = null;
  let lines = 0;
  const files = await openAll(path);
  try {
    for (const { name, handle, size } of files) {
      let number = 0;
      for await (const line of readLines(handle, size)) {
        number += 1;
        lines += 1;
        const checked = checkLine(line, end);
        end = checked.end;
        if (checked.problem === null || problems.length === MOST_PROBLEMS) continue;
        problems.push(`${name}:${number}: ${checked.problem}`);
      }
    }
  } finally {
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
  return { lines, problems };
}

interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  readonly size: number;
}

/** All files of one moment, in which nobody writes or rotates. */
async function openAll(path: string): Promise<OpenFile[]> {
  try {
    const files = await nullIfMissing(withFileLock(lockOf(path), () => openEach(path)));
    return files ?? []; // no directory, no log
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Who may only read cannot hold others off; at worst the line that is being written counts as torn.
    if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return openEach(path);
    throw error;
  }
}

async function openEach(path: string): Promise<OpenFile[]> {
  const files: OpenFile[] = [];
  for (const name of [...(await rotatedFiles(path)), path]) {
    const handle = await nullIfMissing(open(name, 'r'));
    if (handle) files.push({ name, handle, size: (await handle.stat()).size });
  }
  return files;
}

interface Checked {
  /** Null where the chain holds. */
  readonly problem: string | null;
  readonly end: ChainEnd;
}

function checkLine({ bytes, isWhole }: RawLine, before: ChainEnd | null): Checked {
  const hash = hashLine(bytes);
  const parsed = auditLineSchema.safeParse(parseJson(bytes));
  if (!isWhole || !parsed.success) {
    const problem = isWhole ? 'not a line of the audit log' : 'torn: its end is missing';
    return { problem, end: { seq: (before?.seq ?? 0) + 1, hash } };
  }
  const { seq, prev } = parsed.data;
  // The oldest file may begin in the middle: what was before it has been rotated away.
  const expected = before ?? (seq === 1 ? CHAIN_START : { seq: seq - 1, hash: prev });
  return { problem: compare({ seq, prev }, expected), end: { seq, hash } };
}

function compare({ seq, prev }: { seq: number; prev: string }, before: ChainEnd): string | null {
  const next = before.seq + 1;
  if (seq !== next) return `its seq is ${seq}, expected ${next}: lines are missing, added or out of order`;
  if (prev !== before.hash) return 'the line before it was changed, or is not the one that was there';
  return null;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null; // the schema refuses it
  }
}
