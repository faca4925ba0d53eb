import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditRecord } from '@spica/queues';
import type { Transport } from '../transport.ts';
import { readAudit } from './asks.ts';
import { isAway } from './away.ts';
import type { Connection } from './connection.ts';

const LOOK_EVERY_MS = 1_000;
const MOST_AT_ONCE = 1_000;
/** Entries that are kept for those who are a little behind the newest. */
const MOST_KEPT = 1_000;

/** What is new in a pool's audit log, looked for once for all who follow it over a connection. */
interface Feed {
  followers: number;
  /** The last entries, without a gap: all of the pool after the number `after`. */
  kept: AuditRecord[];
  after: number;
  /** Ends the looking. */
  readonly over: AbortController;
  /** Settled at the next entry, and replaced. */
  next: PromiseWithResolvers<void>;
}

const feeds = new WeakMap<Connection, Feed>();

/** The entries from now on, or after the one that was seen; ends when the signal is aborted. */
export async function* followAudit(
  connection: Connection,
  { after, signal }: Parameters<Transport['auditFollow']>[0],
): AsyncGenerator<AuditRecord, void> {
  let seen = after ?? (await findNewest(connection, signal));
  if (signal.aborted) return;
  const feed = join(connection, seen);
  try {
    while (!signal.aborted) {
      const { next, after: known } = feed; // before looking: what comes meanwhile settles `next`
      const found = seen >= known ? newer(feed, seen) : await catchUp(connection, seen, signal);
      for (const record of found) {
        if (signal.aborted) return;
        yield record;
        seen = record.seq;
      }
      if (found.length > 0) continue;
      if (seen < known)
        seen = known; // the rest of those is of other pools
      else await settledOrAborted(next.promise, signal);
    }
  } finally {
    leave(connection, feed);
  }
}

/** Leaves nothing behind on the signal, which may live for days. */
async function settledOrAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: first, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  promise.then(resolve, reject);
  try {
    await first;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The number of the newest entry, 0 where there is none; asked until somebody can tell. */
async function findNewest(connection: Connection, signal: AbortSignal): Promise<number> {
  for (;;) {
    const found = await read(connection, { limit: 1 }, signal);
    if (found || signal.aborted) return found?.at(-1)?.seq ?? 0;
    await pause(signal);
  }
}

/** For who is further behind than what is kept; waits a moment where nobody can tell. */
async function catchUp(connection: Connection, seen: number, signal: AbortSignal): Promise<AuditRecord[]> {
  for (;;) {
    const found = await read(connection, { limit: MOST_AT_ONCE, after: seen }, signal);
    if (found || signal.aborted) return found ?? [];
    await pause(signal);
  }
}

function newer({ kept }: Feed, seen: number): AuditRecord[] {
  return kept.filter(({ seq }) => seq > seen);
}

/** The first who follows has it looked, from where they are on. */
function join(connection: Connection, seen: number): Feed {
  const there = feeds.get(connection);
  if (there) {
    there.followers += 1;
    return there;
  }
  const next = Promise.withResolvers<void>();
  const feed: Feed = { followers: 1, kept: [], after: seen, over: new AbortController(), next };
  feeds.set(connection, feed);
  next.promise.catch(() => undefined); // whoever waits for it hears of it
  look(connection, feed).catch((error: unknown) => {
    feeds.delete(connection);
    feed.next.reject(error);
  });
  return feed;
}

function leave(connection: Connection, feed: Feed): void {
  feed.followers -= 1;
  if (feed.followers > 0) return;
  feed.over.abort(new Error('nobody follows any more'));
  if (feeds.get(connection) === feed) feeds.delete(connection);
}

async function look(connection: Connection, feed: Feed): Promise<void> {
  const { signal } = feed.over;
  while (!signal.aborted) {
    const after = feed.kept.at(-1)?.seq ?? feed.after;
    const found = (await read(connection, { limit: MOST_AT_ONCE, after }, signal)) ?? [];
    if (found.length > 0) tell(feed, found);
    else await pause(signal);
  }
}

function tell(feed: Feed, found: readonly AuditRecord[]): void {
  const all = [...feed.kept, ...found];
  const dropped = all.slice(0, -MOST_KEPT).at(-1);
  feed.kept = all.slice(-MOST_KEPT);
  if (dropped) feed.after = dropped.seq;
  const { resolve } = feed.next;
  feed.next = Promise.withResolvers();
  feed.next.promise.catch(() => undefined);
  resolve();
}

/** Null where nobody could tell: Redis or the worker is away, and may be back at the next look. */
async function read(
  connection: Connection,
  query: { readonly limit: number; readonly after?: number },
  signal: AbortSignal,
): Promise<AuditRecord[] | null> {
  try {
    return [...(await readAudit(connection, query, { signal })).items];
  } catch (error) {
    if (signal.aborted || isAway(error, connection)) return null;
    throw error;
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
}
