import type { AuditRecord } from '@spica/client';
import type { Query } from '../../api/call.ts';

/** What narrows the audit log down, under the names that it has in the URL and in the API. */
export const AUDIT_FILTERS = ['action', 'outcome', 'instance', 'request', 'by', 'since', 'until'] as const;
export type AuditFilterName = (typeof AUDIT_FILTERS)[number];
export type AuditFilter = Readonly<Partial<Record<AuditFilterName, string>>>;

/** What a URL asks for; a time that is none is left out. */
export function readAuditFilter(query: URLSearchParams): AuditFilter {
  const filter: Partial<Record<AuditFilterName, string>> = {};
  for (const name of AUDIT_FILTERS) {
    const text = query.get(name)?.trim();
    if (!text) continue;
    if (name === 'since' || name === 'until') {
      const at = Date.parse(text);
      if (!Number.isNaN(at)) filter[name] = new Date(at).toISOString();
    } else filter[name] = text;
  }
  return filter;
}

/** Whether new entries can match: what ends in the past does not go on. */
export function isOpenEnded({ until }: AuditFilter, now: number): boolean {
  return until === undefined || Date.parse(until) > now;
}

/** The query of `GET /v1/audit`. */
export function toAuditQuery(
  filter: AuditFilter,
  { pool, limit, ...place }: { pool: string | null; limit: number; after?: number; before?: string },
): Query {
  return { ...filter, pool, limit, ...place };
}

/** Entries in both lists, newest first, each once. */
export function mergeEntries(
  known: readonly AuditRecord[],
  more: readonly AuditRecord[],
): readonly AuditRecord[] {
  const bySeq = new Map([...known, ...more].map((entry) => [entry.seq, entry]));
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq);
}

const SHOWN = new Set([
  'seq',
  'prev',
  'timestamp',
  'action',
  'pool',
  'request',
  'instance',
  'reason',
  'bytes',
  'dry_run',
  'outcome',
]);

/** What an entry says beside what all have. */
export function furtherFacts(entry: AuditRecord): readonly (readonly [name: string, value: unknown])[] {
  return Object.entries(entry).filter(([name, value]) => !SHOWN.has(name) && value !== null);
}

/** Whether an outcome stands out: what was refused, rejected or failed does. */
export function isBad({ outcome }: Pick<AuditRecord, 'outcome'>): boolean {
  return /^(?:fail|refus|reject|error|broken)/.test(outcome);
}
