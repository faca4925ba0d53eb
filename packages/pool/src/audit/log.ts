import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '@spica/core';
import { countOf } from '@spica/core';
import { withFileLock } from '../claim/file-lock.ts';
import { outOf } from '../clone/full-disk.ts';
import { makeDirectory } from '../make-directory.ts';
import { appendWhole, type LogFile, openLogFile } from './file.ts';
import { type AuditEntry, chainLine } from './line.ts';
import { rotate } from './rotate.ts';

/** So many rotated files are kept. */
const KEEP_ROTATED = 10;

/** An entry and the pool that it is about; null for the log itself. */
export interface Said {
  readonly pool: string | null;
  readonly entry: AuditEntry;
}

export interface LogOptions {
  readonly clock: Clock;
  /** A file that has grown to this is rotated before the next line. */
  readonly rotateBytes: number;
  /** Called when the disk is full: gives up space that was kept for this; false when there is none. */
  readonly onDiskFull: () => Promise<boolean>;
}

/** One chain of lines in one place, with its rotated files. Several processes may write to it. */
export interface Log {
  readonly path: string;
  /** Appends whole lines, in order; call it again only when it has ended. Throws what the filesystem throws, or LOCKED. */
  write(said: readonly Said[], options: { sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** Opens a log, and shows that it can be written. A torn last line is cut off, and a line says so. */
export async function openLog(path: string, options: LogOptions): Promise<Log> {
  const { clock, rotateBytes, onDiskFull } = options;
  let file: LogFile | null = null;
  /** What was mended, until a line says so. */
  let mended: Said[] = [];

  async function reopen(): Promise<LogFile> {
    await file?.handle.close();
    file = null;
    const opened = await openLogFile(path);
    file = opened.file;
    if (opened.tornBytes > 0) mended.push(repairOf(opened.tornBytes));
    return file;
  }

  /** The file as it is now: another process may have written to it, or rotated it. */
  async function current(): Promise<LogFile> {
    const there = await stat(path).catch(() => null); // removed or out of reach: opening it again tells
    const isKnown = file && there?.ino === file.inode && there.size === file.size;
    const now = file && isKnown ? file : await reopen();
    if (now.size < rotateBytes) return now;
    await rotate(path, KEEP_ROTATED);
    return reopen();
  }

  async function append(said: readonly Said[]): Promise<LogFile> {
    if (!file) await makeDirectory(dirname(path)); // the lock lies there too
    return withFileLock(lockOf(path), async () => {
      const to = await current();
      let { end } = to;
      const lines = [...mended, ...said].map(({ pool, entry }) => {
        const next = chainLine(end, { pool, at: clock.now(), entry });
        end = next.end;
        return `${next.line}\n`;
      });
      await appendWhole(to, lines.join(''));
      to.end = end;
      mended = [];
      return to;
    });
  }

  async function write(said: readonly Said[], { sync }: { sync: boolean }): Promise<void> {
    const to = await append(said).catch(async (error: unknown) => {
      if (outOf(error) === null || !(await onDiskFull())) throw error;
      return append(said);
    });
    if (sync) await to.handle.datasync();
  }

  const close = async () => {
    await file?.handle.close();
    file = null;
  };
  try {
    await write([], { sync: false });
  } catch (error) {
    await close();
    throw error;
  }
  return { path, write, close };
}

/** Held while a line is written, or the files are looked through. */
export function lockOf(path: string): string {
  return `${path}.lock`;
}

function repairOf(tornBytes: number): Said {
  const reason = `a torn last line of ${countOf(tornBytes, 'byte')}, left by a crash, was cut off`;
  return { pool: null, entry: { action: 'audit_repair', reason, bytes: tornBytes, outcome: 'done' } };
}
