import type * as z from 'zod';
import { auditLineSchema } from './line.ts';

export type AuditLine = z.infer<typeof auditLineSchema>;

/** Which entries are asked for; null where that does not matter. */
export interface AuditFilter {
  /** Of this pool, and the log's own. */
  readonly pool: string;
  readonly action: string | null;
  /** As it is there, or how it begins. */
  readonly outcome: string | null;
  readonly instance: string | null;
  readonly request: string | null;
  /** Whoever asked for it. */
  readonly by: string | null;
  /** Not before, and not after, epoch milliseconds. */
  readonly since: number | null;
  readonly until: number | null;
}

/** Reads a line where it is asked for; null where it is not, or is no entry: `verifyAudit` names that. */
type ReadLine = (line: string) => AuditLine | null;

/**
 * A filter of lines. Most lines are about others: what is asked for stands in a line as `JSON.stringify` writes it, so a line
 * without that text is not read as JSON.
 */
export function createFilter(filter: AuditFilter): ReadLine {
  const { action, instance, request, outcome, by } = filter;
  const wholes = Object.entries({ action, instance, request }).flatMap(([name, value]) =>
    value === null ? [] : [`"${name}":${JSON.stringify(value)}`],
  );
  const begins = outcome === null ? [] : [`"outcome":${JSON.stringify(outcome).slice(0, -1)}`];
  const texts = [...wholes, ...begins, ...(by === null ? [] : [JSON.stringify(by).slice(1, -1)])];
  return (line) => {
    if (!texts.every((text) => line.includes(text))) return null;
    const entry = auditLineSchema.safeParse(parseOrNull(line)).data;
    return entry && isAsked(entry, filter) ? entry : null;
  };
}

function isAsked(entry: AuditLine, filter: AuditFilter): boolean {
  const { pool, action, outcome, instance, request, by, since, until } = filter;
  const at = Date.parse(entry.timestamp);
  return (
    (entry.pool === null || entry.pool === pool) &&
    (action === null || entry.action === action) &&
    (outcome === null || entry.outcome.startsWith(outcome)) &&
    (instance === null || entry.instance === instance) &&
    (request === null || entry.request === request) &&
    (by === null || isBy(entry, by)) &&
    (since === null || at >= since) &&
    (until === null || at <= until)
  );
}

/** Entries of earlier versions say it in the reason alone. */
function isBy(entry: AuditLine, by: string): boolean {
  if (entry['by'] !== undefined) return entry['by'] === by;
  return entry.reason !== null && ` ${entry.reason} `.replaceAll(/[:;,.] /g, ' ').includes(` by ${by} `);
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
