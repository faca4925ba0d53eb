import { join } from 'node:path';
import { CheckError, type Clock, messageOf } from '@spica/core';
import type { Logger } from 'pino';
import { singleFlight } from '../async/single-flight.ts';
import type { AuditEntry } from './line.ts';
import { type Log, type LogOptions, openLog, type Said } from './log.ts';

const ROTATE_BYTES = 64e6;

export interface AuditOptions {
  /** Where the log is wanted; null for the state directory. */
  readonly path: string | null;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A file that has grown to this is rotated; 64 MB. */
  readonly rotateBytes?: number;
  /** Called when the disk is full: gives up space that was kept for this; false when there is none. */
  readonly onDiskFull?: () => Promise<boolean>;
}

/** The append-only log of every decision that refuses or destroys. */
export interface AuditLog {
  /** The file in use: the one wanted, or the state directory's since that could not be written. */
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
 * Opens the audit log. As soon as `path` cannot be written, now or later, the log goes on in the state directory until
 * it is opened anew, and both the program's log and its own first line there say so. Throws CheckError AUDIT_UNWRITABLE
 * when neither can be written.
 */
export async function openAudit(options: AuditOptions): Promise<AuditLog> {
  const { clock, rotateBytes = ROTATE_BYTES, onDiskFull = async () => false } = options;
  const logOptions = { clock, rotateBytes, onDiskFull };
  const wanted = auditPathOf(options);
  const fallback = auditPathOf({ path: null, stateDir: options.stateDir });

  async function fallBack(cause: unknown): Promise<Log> {
    if (wanted === fallback) throw unwritable(`${wanted}: cannot be written: ${messageOf(cause)}`, cause);
    options.logger.warn(
      { err: cause, wanted, fallback },
      'the audit log cannot be written where it is wanted',
    );
    return openFallback(fallback, `${wanted} cannot be written: ${messageOf(cause)}`, logOptions);
  }

  let log = await openLog(wanted, logOptions).catch(fallBack);
  /** What is written next; null where nobody has asked for a write. */
  let waiting: { readonly said: Said[]; sync: boolean } | null = null;

  async function write(said: readonly Said[], sync: boolean): Promise<void> {
    try {
      await log.write(said, { sync });
    } catch (cause) {
      if (log.path === fallback)
        throw unwritable(`${fallback}: cannot be written: ${messageOf(cause)}`, cause);
      const next = await fallBack(cause);
      await log.close();
      log = next;
      await write(said, sync);
    }
  }

  /** One write at a time, since the chain has an order. What is said during a write is written together after it. */
  const writeWaiting = singleFlight(async () => {
    const batch = waiting;
    waiting = null;
    if (batch) await write(batch.said, batch.sync);
  });

  return {
    get path() {
      return log.path;
    },
    forPool: (pool) => ({
      get path() {
        return log.path;
      },
      append(entry, { sync = false } = {}) {
        const entries: readonly AuditEntry[] = Array.isArray(entry) ? entry : [entry];
        waiting ??= { said: [], sync: false };
        waiting.said.push(...entries.map((each) => ({ pool, entry: each })));
        waiting.sync ||= sync;
        return writeWaiting();
      },
    }),
    async close() {
      await writeWaiting().catch(() => undefined); // its callers know
      await log.close();
    },
  };
}

async function openFallback(path: string, reason: string, options: LogOptions): Promise<Log> {
  let log: Log | null = null;
  try {
    log = await openLog(path, options);
    const entry = { action: 'audit_fallback', reason, outcome: 'done' };
    await log.write([{ pool: null, entry }], { sync: true });
    return log;
  } catch (cause) {
    await log?.close(); // the next append tries anew, and again, while both disks are full
    throw unwritable(`${reason}; nor can ${path}: ${messageOf(cause)}`, cause);
  }
}

function unwritable(what: string, cause: unknown): CheckError {
  return new CheckError('AUDIT_UNWRITABLE', `audit log: ${what}`, {}, cause);
}
