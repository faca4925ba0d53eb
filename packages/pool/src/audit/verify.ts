import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { auditLineSchema, CHAIN_START, type ChainEnd, hashLine } from './line.ts';
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
 * leaves no trace in a file; keep the last line's `seq` elsewhere for that.
 */
export async function verifyAudit(path: string): Promise<AuditVerdict> {
  const problems: string[] = [];
  let end: ChainEnd | null = null;
  let lines = 0;
  for (const file of [...(await rotatedFiles(path)), path]) {
    if (!(await isFile(file))) continue;
    let number = 0;
    for await (const line of createInterface({
      input: createReadStream(file),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      number += 1;
      lines += 1;
      const checked = checkLine(line, end);
      end = checked.end;
      if (checked.problem && problems.length < MOST_PROBLEMS)
        problems.push(`${file}:${number}: ${checked.problem}`);
    }
  }
  return { lines, problems };
}

function checkLine(line: string, before: ChainEnd | null): { problem: string | null; end: ChainEnd } {
  const hash = hashLine(line);
  const parsed = auditLineSchema.safeParse(parseJson(line));
  if (!parsed.success)
    return { problem: 'not a line of the audit log', end: { seq: (before?.seq ?? 0) + 1, hash } };
  const { seq, prev } = parsed.data;
  const end = { seq, hash };
  // The oldest file may begin in the middle: what was before it has been rotated away.
  const expected = before ?? (seq === 1 ? CHAIN_START : { seq: seq - 1, hash: prev });
  if (seq !== expected.seq + 1) {
    return {
      problem: `its seq is ${seq}, expected ${expected.seq + 1}: lines are missing or out of order`,
      end,
    };
  }
  if (prev !== expected.hash)
    return { problem: 'the line before it was changed, or is not the one that was there', end };
  return { problem: null, end };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null; // the schema refuses it
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
