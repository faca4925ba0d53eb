import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SpicaError } from '@spica/core';
import { toUnreachable } from '@spica/queues';
import type { PoolEvent } from '../view.ts';
import type { Connection } from './connection.ts';
import { followAudit } from './follow-audit.ts';
import { readPool } from './pool.ts';
import { Watcher } from './watcher.ts';

/** The pool is looked at so often, however many watch it. */
const LOOK_EVERY_MS = 1_000;
/** Of a long line a watcher gets the first: the pool itself has more of them, and how many there are. */
const MOST_HELD = 100;

/** One look at a pool for all who watch it over a connection. */
interface Feed {
  readonly watchers: Set<Watcher>;
  /** How the pool stood at the last look, for who joins; null before the first. */
  pool: Extract<PoolEvent, { event: 'pool' | 'away' }> | null;
  /** Ends the looking. */
  readonly over: AbortController;
}

const feeds = new WeakMap<Connection, Feed>();

/**
 * What changes in a pool, as it does, until the signal is aborted: first how it stands now. Of each kind at most one event
 * in a second, but for entries of the audit log. A watcher that does not keep up gets the newest of each, and misses nothing
 * but entries of the audit log that are more than a thousand behind.
 *
 * @param after Number of the last entry of the audit log that was seen; without it those from now on.
 */
export async function* watchPool(
  connection: Connection,
  { after, signal }: { readonly after?: number; readonly signal: AbortSignal },
): AsyncGenerator<PoolEvent, void> {
  const watcher = new Watcher();
  const over = new AbortController();
  const end = () => over.abort(signal.reason);
  if (signal.aborted) return;
  signal.addEventListener('abort', end, { once: true });
  const feed = join(connection, watcher);
  const reading = readEntries(connection, watcher, { after, signal: over.signal });
  try {
    while (!over.signal.aborted) {
      const event = await watcher.next(over.signal);
      if (event) yield event;
    }
  } finally {
    signal.removeEventListener('abort', end);
    over.abort(new Error('nobody watches any more'));
    leave(connection, feed, watcher);
    await reading;
  }
}

async function readEntries(
  connection: Connection,
  watcher: Watcher,
  { after, signal }: { readonly after: number | undefined; readonly signal: AbortSignal },
): Promise<void> {
  try {
    const options = { ...(after === undefined ? {} : { after }), signal };
    for await (const entry of followAudit(connection, options)) watcher.addEntry(entry);
  } catch (error) {
    if (!signal.aborted) watcher.fail(error);
  }
}

/** The first who watches has it looked. */
function join(connection: Connection, watcher: Watcher): Feed {
  const there = feeds.get(connection);
  if (there) {
    there.watchers.add(watcher);
    if (there.pool) watcher.setPool(there.pool);
    return there;
  }
  const feed: Feed = { watchers: new Set([watcher]), pool: null, over: new AbortController() };
  feeds.set(connection, feed);
  look(connection, feed).catch((error: unknown) => {
    feeds.delete(connection);
    for (const each of feed.watchers) each.fail(error);
  });
  return feed;
}

function leave(connection: Connection, feed: Feed, watcher: Watcher): void {
  feed.watchers.delete(watcher);
  if (feed.watchers.size > 0) return;
  feed.over.abort(new Error('nobody watches any more'));
  if (feeds.get(connection) === feed) feeds.delete(connection);
}

async function look(connection: Connection, feed: Feed): Promise<void> {
  const { signal } = feed.over;
  const stop = await listenForRequests(connection, feed);
  try {
    let cursor: string | null = null;
    let seen = '';
    while (!signal.aborted) {
      const { pool, touched } = await lookOnce(connection, cursor);
      if (touched) {
        if (cursor !== null && touched.cursor !== cursor)
          tell(feed, (each) => each.addInstances(touched.ids));
        cursor = touched.cursor;
      }
      const text = JSON.stringify(pool);
      if (text !== seen) tell(feed, (each) => each.setPool(pool));
      [feed.pool, seen] = [pool, text];
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    stop();
  }
}

/** How the pool stands, or that Redis is away, and which instances have changed since. */
async function lookOnce(connection: Connection, cursor: string | null) {
  try {
    const [view, touched] = await Promise.all([
      readPool(connection),
      connection.catalog.touchedSince(cursor),
    ]);
    const data = { ...view, held: view.held.slice(0, MOST_HELD) };
    return { pool: { event: 'pool', data } as const, touched };
  } catch (error) {
    const unreachable = error instanceof SpicaError ? error : toUnreachable(error, connection.where);
    if (!unreachable) throw error;
    return { pool: { event: 'away', data: { reason: messageOf(unreachable) } } as const, touched: null };
  }
}

/** What the queues say of requests and their spawns. Call the result to end it. */
async function listenForRequests(connection: Connection, feed: Feed): Promise<() => void> {
  const [gate, spawn] = await Promise.all([connection.events('gate'), connection.events('spawn')]);
  const ofRequest = ({ jobId }: { readonly jobId: string }) => tell(feed, (each) => each.addRequest(jobId));
  const ofSpawn = ({ jobId }: { readonly jobId: string }) =>
    ofRequest({ jobId: jobId.replace(/-spawn-.*$/, '') });
  const ofGate = ['added', 'progress', 'completed', 'failed', 'removed'] as const;
  const ofSpawns = ['completed', 'failed'] as const;
  for (const name of ofGate) gate.events.on(name, ofRequest);
  for (const name of ofSpawns) spawn.events.on(name, ofSpawn);
  return () => {
    for (const name of ofGate) gate.events.off(name, ofRequest);
    for (const name of ofSpawns) spawn.events.off(name, ofSpawn);
  };
}

function tell({ watchers }: Feed, what: (watcher: Watcher) => void): void {
  for (const watcher of watchers) what(watcher);
}
