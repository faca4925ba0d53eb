import { createHash } from 'node:crypto';
import * as z from 'zod';

/** What is to be said; what is left out is null in the line. */
export interface AuditEntry {
  readonly action: string;
  readonly request?: string | null;
  readonly instance?: string | null;
  readonly reason?: string | null;
  readonly bytes?: number | null;
  readonly dry_run?: boolean;
  readonly outcome: string;
  /** Further facts of an action, under names of their own. */
  readonly [fact: string]: unknown;
}

/** One line of the log (docs/audit.md). Further facts stand beside these. */
export const auditLineSchema = z.looseObject({
  /** Counts from 1, through all rotations. */
  seq: z.int().min(1),
  /** SHA-256, hex, of the line before without its line break; 64 zeros before the first. */
  prev: z.string().regex(/^[0-9a-f]{64}$/),
  timestamp: z.iso.datetime(),
  action: z.string(),
  pool: z.string().nullable(),
  request: z.string().nullable(),
  instance: z.string().nullable(),
  reason: z.string().nullable(),
  bytes: z.number().nullable(),
  dry_run: z.boolean(),
  outcome: z.string(),
});

/** Where the chain stands: the last line's number and hash. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

export const CHAIN_START: ChainEnd = { seq: 0, hash: '0'.repeat(64) };

/** A line's number; null for what is not a line of the log, or was torn. */
export function seqOf(line: string): number | null {
  try {
    const seq: unknown = JSON.parse(line)?.seq;
    return Number.isSafeInteger(seq) ? Number(seq) : null;
  } catch {
    return null;
  }
}

export function hashLine(line: string | Buffer): string {
  return createHash('sha256').update(line).digest('hex');
}

/** The next line of the chain, without its line break, and where the chain stands after it. */
export function chainLine(
  end: ChainEnd,
  { pool, at, entry }: { pool: string | null; at: number; entry: AuditEntry },
): { line: string; end: ChainEnd } {
  const { action, request, instance, reason, bytes, dry_run, outcome, ...facts } = entry;
  const seq = end.seq + 1;
  const own = {
    seq,
    prev: end.hash,
    timestamp: new Date(at).toISOString(),
    action,
    pool,
    request: request ?? null,
    instance: instance ?? null,
    reason: reason ?? null,
    bytes: bytes ?? null,
    dry_run: dry_run ?? false,
    outcome,
  };
  // Twice: they stand first, and no further fact takes the place of one.
  const line = JSON.stringify({ ...own, ...facts, ...own });
  return { line, end: { seq, hash: hashLine(line) } };
}
