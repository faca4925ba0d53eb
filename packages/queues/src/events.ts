import { type Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';

/** A queue's events, read over a connection of their own. */
export interface OpenEvents {
  readonly events: QueueEvents;
  /** Ends the reading, also while Redis is away. */
  close(): Promise<void>;
}

/**
 * Opens the event stream of a queue, from now on; `redis` is duplicated for the blocking read. Nothing is missed that
 * happens while it opens or while Redis was away: the reading goes on by itself. Throws what ioredis throws when it
 * cannot begin.
 */
export async function openEvents(queue: Queue, redis: Redis): Promise<OpenEvents> {
  // From a fixed place on: `$` would leave out what happens between two reads, or while the connection is away.
  const lastEventId = await newestEvent(queue, redis);
  const connection = redis.duplicate({ maxRetriesPerRequest: null, commandTimeout: undefined as never });
  connection.on('error', () => undefined); // reconnects by itself; a lost worker shows in the caller's own checks
  const events = new QueueEvents(queue.name, {
    connection,
    prefix: queue.opts.prefix ?? 'bull',
    lastEventId,
  });
  events.on('error', () => undefined);
  events.setMaxListeners(0);
  const close = async () => {
    await events.close().catch(() => undefined); // what it throws of a lost connection
    connection.disconnect();
  };
  try {
    await events.waitUntilReady();
  } catch (error) {
    await close();
    throw error;
  }
  return { events, close };
}

async function newestEvent(queue: Queue, redis: Redis): Promise<string> {
  const [newest] = await redis.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1);
  return newest?.[0] ?? '0-0';
}
