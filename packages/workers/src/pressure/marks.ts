import { stat } from 'node:fs/promises';
import type { DiskMarks } from '@spica/catalog';
import { addMarks, markOf, nullIfMissing } from '@spica/core';
import { auditLineSchema, type Pool, readAuditAfter, seqOf, tailAudit } from '@spica/pool';
import type { ServedContext } from '../context.ts';

/** So far back a log is read that was never read before. */
const MOST_LINES = 20_000;

interface Read extends DiskMarks {
  /** Of the file in use, when it was read last. */
  readonly bytes: number;
  readonly inode: number;
}

const reads = new WeakMap<Pool, Read>();

/**
 * Takes what the audit log says since the last time into the marks of the pool's history. A log that has not grown costs one
 * look at its size.
 */
export async function noteMarks({ audit, catalog, clock, pool }: ServedContext): Promise<void> {
  const file = await nullIfMissing(stat(audit.path));
  const last = reads.get(pool);
  if (file === null || (last?.bytes === file.size && last.inode === file.ino)) return;
  const known = last ?? (await catalog.diskMarks());
  const lines = await linesSince(audit.path, known.seq);
  const found = lines.flatMap((line) => markIn(line, pool.name) ?? []);
  const seq = lines.reduce((most, line) => Math.max(most, seqOf(line) ?? 0), 0) || known.seq;
  const marks = found.length > 0 ? addMarks(known.marks, found, clock.now()) : known.marks;
  if (found.length > 0) await catalog.saveDiskMarks({ seq, marks });
  reads.set(pool, { seq, marks, bytes: file.size, inode: file.ino });
}

/** Those after the number `seen`, but not more of an old log than it takes; all of one that was begun anew since. */
async function linesSince(path: string, seen: number): Promise<string[]> {
  const newest = seqOf((await tailAudit(path, 1)).at(-1) ?? '') ?? 0;
  const isAnother = newest < seen;
  return readAuditAfter(path, Math.max(isAnother ? 0 : seen, newest - MOST_LINES));
}

/** Most lines are no marks: read as JSON are only those that may be one. */
const MAY_BE_MARK = /"action":"(?:delete_instance|hold_request|pressure|oversize)"/;

function markIn(line: string, pool: string) {
  if (!MAY_BE_MARK.test(line)) return null;
  const entry = auditLineSchema.safeParse(JSON.parse(line)).data;
  return entry?.pool === pool ? markOf(entry) : null;
}
