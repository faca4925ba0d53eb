import { setTimeout as sleep } from 'node:timers/promises';
import { SpicaError, UnreachableError } from '@spica/core';
import { progressOf, toUnreachable } from '@spica/queues';
import { requestUnknown } from '../errors.ts';
import { eventName } from '../event-name.ts';
import type { RequestEnd, Transport } from '../transport.ts';
import type { RequestEvent } from '../view.ts';
import type { Connection } from './connection.ts';
import { readOversize } from './follow-oversize.ts';
import { countSpawned } from './read-request.ts';

const LOOK_EVERY_MS = 300;

/** Waits for a request's end, also while Redis is away in between. Throws what `Transport.wait` throws. */
export async function waitForEnd(
  { watcher, where }: Connection,
  id: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<RequestEnd> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, until - performance.now());
    try {
      return await watcher.wait(id, { timeoutMs: leftMs, ...(signal ? { signal } : {}) });
    } catch (error) {
      const isAway = !(error instanceof SpicaError) && toUnreachable(error, where) !== null;
      if (!isAway || signal?.aborted || performance.now() >= until) throw error;
      await sleep(LOOK_EVERY_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  }
}

type Events = ReturnType<Transport['events']>;

/** Where a request stands, as it changes, to its end. Throws CheckError REQUEST_UNKNOWN. */
export async function* followRequest(
  connection: Connection,
  id: string,
  { after = null, signal }: Parameters<Transport['events']>[1],
): Events {
  let last = after;
  let mayBeUnknown = true;
  for (;;) {
    signal?.throwIfAborted();
    const event = await readEvent(connection, id, mayBeUnknown).catch((error: unknown) => {
      if (error instanceof SpicaError && !(error instanceof UnreachableError)) throw error;
      return null; // Redis is away: the next look may find it back
    });
    if (event) {
      mayBeUnknown = false;
      const name = eventName(event);
      if (name !== last) yield { id: name, event };
      last = name;
      if (isLast(event)) return;
    }
    await nextChange(connection, id, signal);
  }
}

function isLast({ phase }: RequestEvent): boolean {
  return phase === 'ready' || phase === 'rejected' || phase === 'failed';
}

/** Ends when the request has ended, and else after a moment: what is counted has no event of its own. */
async function nextChange({ watcher }: Connection, id: string, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const inner = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const moment = sleep(LOOK_EVERY_MS, undefined, { signal: inner }).catch(() => undefined);
  // That Redis is away is known at once: to look again at once would leave this process no time for anything else.
  const ended = watcher
    .wait(id, { timeoutMs: 2 ** 31 - 1, signal: inner })
    .catch((error: unknown) => (error instanceof SpicaError ? undefined : moment));
  try {
    await Promise.race([ended, moment]);
  } finally {
    over.abort(new Error('the waiting is over'));
  }
}

/** Null before the gate has looked at it. */
async function readEvent(
  connection: Connection,
  id: string,
  mustBeKnown: boolean,
): Promise<RequestEvent | null> {
  const { queues, catalog, name, watcher } = connection;
  const job = await queues.gate.getJob(id);
  if (!job) {
    if (mustBeKnown) throw requestUnknown(id, name);
    return { phase: 'failed', reason: `request ${id} is not known any more`, code: 'REQUEST_UNKNOWN' };
  }
  if (job.finishedOn) return endOf(connection, id, watcher.wait(id));
  const progress = progressOf(job.progress);
  switch (progress?.phase) {
    case undefined:
    case 'done':
    case 'rejected':
    case 'failed':
      return null; // its end follows in a moment
    case 'held': {
      const line = (await catalog.publishedGate())?.held ?? [];
      const place = line.findIndex(({ request }) => request === id);
      return { ...progress, position: place < 0 ? null : place + 1 };
    }
    case 'spawning': {
      const counted = await countSpawned(job, progress, null);
      return { ...progress, ...counted, ...(await oversizeOf(connection, id, progress.reason)) };
    }
    default:
      return progress;
  }
}

/** Which of a request's instances are oversize, and the same in its reason: whoever prints events prints that. */
async function oversizeOf(
  connection: Connection,
  id: string,
  reason: string,
): Promise<{ reason: string; oversize: string[] }> {
  const own = await readOversize(connection, id);
  const said = own.map((each) => `; ${each.id} is ${each.atCap ? 'at its cap' : 'too large'}`);
  return { reason: `${reason}${said.join('')}`, oversize: own.map((each) => each.id) };
}

async function endOf(connection: Connection, id: string, end: Promise<RequestEnd>): Promise<RequestEvent> {
  try {
    const { instances } = await end;
    return { phase: 'ready', ...(await oversizeOf(connection, id, `${instances.length} spawned`)) };
  } catch (error) {
    if (!(error instanceof SpicaError) || error instanceof UnreachableError) throw error;
    const phase = error.kind === 'refused' ? 'rejected' : 'failed';
    return { phase, reason: error.message, code: error.code };
  }
}
