import { withDeadline } from '@spica/core';
import { type ConnectionOptions, type Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { CONNECT_MS } from './connection.ts';

/** A queue's events, read over a connection of their own. */
export interface OpenEvents {
  readonly events: QueueEvents;
  /** Ends the reading, also while Redis is away. */
  close(): Promise<void>;
}

/**
 * Opens the event stream of a queue, from now on, over a connection of its own to where `redis` is. Nothing is missed that
 * happens while it opens or while Redis was away: the reading goes on by itself. Throws what ioredis throws where it
 * cannot begin, as Redis goes away meanwhile: it is asked twice, and each answer has 3 s.
 */
export async function openEvents(queue: Queue, redis: Redis): Promise<OpenEvents> {
  // From a fixed place on: `$` would leave out what happens between two reads, or while the connection is away.
  const lastEventId = await withDeadline(newestEvent(queue, redis), CONNECT_MS, closed);
  const options = { ...redis.options, maxRetriesPerRequest: null, commandTimeout: undefined };
  const events = new QueueEvents(queue.name, {
    connection: options as ConnectionOptions,
    prefix: queue.opts.prefix ?? 'bull',
    lastEventId,
  });
  events.on('error', () => undefined); // reconnects by itself; a lost worker shows in the caller's own checks
  events.setMaxListeners(0);
  const close = async () => {
    const closing = events.close(); // waits for a connection that was never ready, unless that is cut
    await Promise.allSettled([events.backend.close(true), closing]); // what they throw of a lost connection
  };
  try {
    await withDeadline(events.waitUntilReady(), CONNECT_MS, closed);
  } catch (error) {
    await close();
    throw error;
  }
  return { events, close };
}

/** As ioredis says it. */
const closed = () => new Error('Connection is closed.');

async function newestEvent(queue: Queue, redis: Redis): Promise<string> {
  const [newest] = await redis.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1);
  return newest?.[0] ?? '0-0';
}
