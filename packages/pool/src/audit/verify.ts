import { auditLineSchema, CHAIN_START, type ChainEnd, hashLine } from './line.ts';
import { type OpenFile, openAll } from './open-all.ts';
import { type RawLine, readLines } from './read-lines.ts';

/** What a check of the whole chain found. */
export interface AuditVerdict {
  readonly lines: number;
  /** Each place where the chain does not hold: `file:line: what is wrong`. */
  readonly problems: readonly string[];
  /** How far it was checked, for the next check to go on from; null where there is nothing. */
  readonly checked: CheckedTo | null;
}

/** A place in the log up to which it was checked. */
export interface CheckedTo {
  readonly inode: number;
  /** Bytes of that file, and lines of it and of all files before. */
  readonly bytes: number;
  readonly linesOfFile: number;
  readonly lines: number;
  readonly end: ChainEnd;
}

/** More are not listed: after the first the rest is mostly its echo. */
const MOST_PROBLEMS = 100;

/**
 * Checks the log with its rotated files, oldest first: every line is one of ours, counts on from the one before and
 * carries its hash. Finds a changed, missing, added or reordered line, except at the very end: what was cut off there
 * leaves no trace in a file; keep the last line's `seq` elsewhere for that. The log may be written to meanwhile.
 *
 * @param after Where an earlier check has ended: only what came since is read, and that nothing was cut off is checked too.
 *   All of it is read where that file has been rotated away, or is another one.
 */
export async function verifyAudit(path: string, after: CheckedTo | null = null): Promise<AuditVerdict> {
  const files = await openAll(path);
  try {
    const place = after === null ? -1 : files.findIndex(({ inode }) => inode === after.inode);
    return await (place < 0 ? checkFiles(files, null) : checkFiles(files.slice(place), after));
  } finally {
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
}

/** Checks files from their beginning, the first one from where it was checked to. */
async function checkFiles(files: readonly OpenFile[], after: CheckedTo | null): Promise<AuditVerdict> {
  const problems: string[] = [];
  let end: ChainEnd | null = after?.end ?? null;
  let lines = after?.lines ?? 0;
  let checked = after;
  for (const [index, { name, handle, size, inode }] of files.entries()) {
    const start = index === 0 ? after : null;
    let [number, bytes] = [start?.linesOfFile ?? 0, start?.bytes ?? 0];
    if (size < bytes) problems.push(`${name}: lines that were there at the last check were cut off`);
    for await (const line of readLines(handle, size, bytes)) {
      number += 1;
      lines += 1;
      const found = checkLine(line, end);
      end = found.end;
      bytes += line.bytes.length + 1;
      if (found.problem === null || problems.length === MOST_PROBLEMS) continue;
      problems.push(`${name}:${number}: ${found.problem}`);
    }
    if (end !== null) checked = { inode, bytes: Math.min(bytes, size), linesOfFile: number, lines, end };
  }
  return { lines, problems, checked };
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
