import type { AuditRecord } from '@spica/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, messageOf } from '../../api/call.ts';
import { useCalm } from '../../api/use-calm.ts';
import type { Page } from '../../api/views.ts';
import { live } from '../../live/current.ts';
import { type AuditFilter, isOpenEnded, mergeEntries, toAuditQuery } from './audit-query.ts';

export interface EntriesShown {
  /** Newest first; null before the first answer. */
  readonly entries: readonly AuditRecord[] | null;
  readonly error: string | null;
  /** Loads older ones; null where there are none. */
  readonly loadOlder: (() => Promise<void>) | null;
}

const PART = 100;
const MOST_NEW = 1_000;
const CALM_MS = 700;

interface Known {
  readonly entries: readonly AuditRecord[] | null;
  readonly next: string | null;
  readonly error: string | null;
}

/**
 * The entries that match, the newest ones first, with new ones as they come. To be mounted anew for another filter.
 *
 * @param follows Whether new ones are shown.
 */
export function useEntries(pool: string | null, filter: AuditFilter, follows: boolean): EntriesShown {
  const [known, setKnown] = useState<Known>({ entries: null, next: null, error: null });
  const latest = useRef(known);
  latest.current = known;
  // Without a stream the counts go up at each time that the page asks for the pool.
  const news = useCalm(`${live.value?.audit.value?.seq} ${live.value?.requests.value}`, CALM_MS);
  const fetchPart = (place: { after?: number; before?: string }, limit: number, signal?: AbortSignal) =>
    get<Page<AuditRecord>>('/v1/audit', { query: toAuditQuery(filter, { pool, limit, ...place }), signal });
  const add = (more: readonly AuditRecord[], next: string | null) =>
    setKnown(({ entries }) => ({ entries: mergeEntries(entries ?? [], more), next, error: null }));

  useEffect(() => {
    const { entries, next } = latest.current;
    if (entries !== null && !(follows && isOpenEnded(filter, Date.now()))) return;
    const controller = new AbortController();
    const newest = entries?.[0]?.seq;
    const part =
      newest === undefined
        ? fetchPart({}, PART, controller.signal)
        : fetchPart({ after: newest }, MOST_NEW, controller.signal);
    part.then(
      (page) => controller.signal.aborted || add(page.items, newest === undefined ? page.next : next),
      (error: unknown) =>
        controller.signal.aborted || setKnown((before) => ({ ...before, error: messageOf(error) })),
    );
    return () => controller.abort();
  }, [news, follows]);

  const { entries, next, error } = known;
  const loadOlder = async () => {
    const page = await fetchPart({ before: next ?? '' }, PART);
    add(page.items, page.next);
  };
  return { entries, error, loadOlder: next === null ? null : loadOlder };
}
