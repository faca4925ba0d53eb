import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckError, type Clock } from '@spica/core';
import type { Logger } from 'pino';
import { appendWhole, type LogFile, openLog } from './file.ts';
import { type AuditEntry, chainLine } from './line.ts';
import { withLogLock } from './lock.ts';
import { rotate } from './rotate.ts';

/** A file is rotated before it grows beyond this, and so many rotated ones are kept. */
const ROTATE_BYTES = 64e6;
const KEEP_ROTATED = 10;

export interface AuditOptions {
  /** Where the log is wanted; null for the state directory. */
  readonly path: string | null;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rotateBytes?: number;
  /** Called when the disk is full: gives up space that was kept for this; false when there is none. */
  readonly onDiskFull?: () => Promise<boolean>;
}

/** The append-only log of every decision that refuses or destroys. */
export interface AuditLog {
  /** The file in use: the one wanted, or the state directory's when that cannot be written. */
  readonly path: string;
  /** The log as one pool writes to it. */
  forPool(pool: string): Audit;
  close(): Promise<void>;
}

export interface Audit {
  readonly path: string;
  /**
   * Appends entries, as whole lines, in order. With `sync` they are on the disk when this resolves.
   * Throws CheckError AUDIT_UNWRITABLE: then nothing may be destroyed.
   */
  append(entry: AuditEntry | readonly AuditEntry[], options?: { readonly sync?: boolean }): Promise<void>;
}

/** Where the audit log is wanted: `audit.path`, or the state directory. */
export function auditPathOf({ path, stateDir }: Pick<AuditOptions, 'path' | 'stateDir'>): string {
  return path ?? join(stateDir, 'audit.jsonl');
}

/**
 * Opens the audit log. Where `path` cannot be written, falls back to the state directory, and says so in the log of the
 * program and in the audit log. Throws CheckError AUDIT_UNWRITABLE when neither can be.
 */
export async function openAudit(options: AuditOptions): Promise<AuditLog> {
  const wanted = auditPathOf(options);
  const fallback = auditPathOf({ path: null, stateDir: options.stateDir });
  try {
    return await openAt(wanted, options);
  } catch (error) {
    if (wanted === fallback) throw error;
    options.logger.warn(
      { err: error, wanted, fallback },
      'the audit log cannot be written where it is wanted',
    );
    const log = await openAt(fallback, options);
    const reason = `${wanted} cannot be written: ${error instanceof Error ? error.message : error}`;
    await log.write([{ action: 'audit_fallback', reason, outcome: 'done' }], null, true);
    return log;
  }
}

async function openAt(path: string, options: AuditOptions) {
  const { clock, rotateBytes = ROTATE_BYTES, onDiskFull } = options;
  let file: LogFile | null = null;
  let queue: Promise<void> = Promise.resolve();

  async function reopen(): Promise<LogFile> {
    await file?.handle.close();
    file = null;
    const opened = await openLog(path);
    file = opened.file;
    if (opened.tornBytes > 0) {
      const reason = `a torn last line of ${opened.tornBytes} bytes, left by a crash, was cut off`;
      await put(file, [{ action: 'audit_repair', reason, bytes: opened.tornBytes, outcome: 'done' }], null);
    }
    return file;
  }

  /** The file as it is now: another process may have written to it, or rotated it. */
  async function current(): Promise<LogFile> {
    const there = await stat(path).catch(() => null); // removed or out of reach: opening it again tells
    if (!file || there?.ino !== file.inode || there.size !== file.size) return reopen();
    if (file.size < rotateBytes) return file;
    await rotate(path, KEEP_ROTATED);
    return reopen();
  }

  async function put(to: LogFile, entries: readonly AuditEntry[], pool: string | null): Promise<void> {
    let { end } = to;
    const lines = entries.map((entry) => {
      const next = chainLine(end, { pool, at: clock.now(), entry });
      end = next.end;
      return `${next.line}\n`;
    });
    await appendWhole(to, lines.join(''));
    to.end = end;
  }

  async function attempt(entries: readonly AuditEntry[], pool: string | null): Promise<LogFile> {
    if (!file) await mkdir(dirname(path), { recursive: true }); // the lock lies there too
    return withLogLock(path, async () => {
      const to = await current();
      await put(to, entries, pool);
      return to;
    });
  }

  async function write(entries: readonly AuditEntry[], pool: string | null, sync: boolean): Promise<void> {
    try {
      const to = await attempt(entries, pool).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC' || !(await onDiskFull?.())) throw error;
        return attempt(entries, pool);
      });
      if (sync) await to.handle.datasync();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CheckError(
        'AUDIT_UNWRITABLE',
        `audit log ${path}: cannot be written: ${why}`,
        { path },
        cause,
      );
    }
  }

  /** One after another: the chain has an order. */
  function inTurn(entries: readonly AuditEntry[], pool: string | null, sync: boolean): Promise<void> {
    const done = queue.then(() => write(entries, pool, sync));
    queue = done.catch(() => undefined); // told to whoever asked for it; the next one tries anew
    return done;
  }

  await inTurn([], null, false);
  return {
    path,
    write: inTurn,
    forPool: (pool: string): Audit => ({
      path,
      append: (entry, { sync = false } = {}) => inTurn(Array.isArray(entry) ? entry : [entry], pool, sync),
    }),
    async close() {
      await queue;
      await file?.handle.close();
      file = null;
    },
  };
}
