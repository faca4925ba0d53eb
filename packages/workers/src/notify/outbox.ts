import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, type Message, MOST_ITEMS, type Notice, type NoticeItem, redactUrl } from '@spica/core';
import type { Logger } from 'pino';
import { deliver, type Receiver } from './deliver.ts';

/** When things are done, in milliseconds. */
export interface OutboxTimes {
  /** What comes within this goes out in one message. */
  readonly gather: number;
  /** After a message, further notices of its event and pool are gathered for so long. */
  readonly quiet: number;
  /** Before each further try; the last one again and again. */
  readonly backoff: readonly [number, ...number[]];
  /** A message that could not be delivered for so long is given up. */
  readonly patience: number;
}

const OUTBOX_TIMES: OutboxTimes = {
  gather: 2_000,
  quiet: 60_000,
  backoff: [1_000, 2_000, 5_000, 15_000, 30_000, 60_000, 120_000, 300_000],
  patience: 3_600_000,
};

/** So many wait at most; the oldest is given up for one more. */
const MOST_WAITING = 200;

export interface OutboxOptions {
  readonly receiver: Receiver;
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  readonly times?: OutboxTimes;
  /** Called for each message once it has ended. */
  readonly onEnd: (outcome: 'delivered' | 'given-up') => void;
}

/** What one receiver has still to be told, in order. */
export interface Outbox {
  push(notice: Notice): void;
  /** Tries once more what waits, for so long at most (milliseconds), and gives up the rest. */
  close(withinMs: number): Promise<void>;
}

/** Notices of one event and pool that go out together. */
interface Gathering extends Pick<Notice, 'event' | 'pool'> {
  readonly items: NoticeItem[];
  count: number;
  state: Notice['state'];
  readonly timer: NodeJS.Timeout;
}

/**
 * Gathers notices into messages and posts them one at a time, each again with growing pauses until it is taken. Nothing
 * waits for it. It is in memory: when the disk or Redis is what fails, nothing else could take it.
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const { receiver, host, clock, logger, times = OUTBOX_TIMES, onEnd } = options;
  const gatherings = new Map<string, Gathering>();
  const sentAt = new Map<string, number>();
  const waiting: Message[] = [];
  const closing = new AbortController();
  let sending: Promise<void> | null = null;

  function push({ event, pool, state, items }: Notice): void {
    const key = `${event} ${pool}`;
    const gathering = gatherings.get(key) ?? begin(key, { event, pool });
    gathering.count += items.length;
    gathering.items.push(...items.slice(0, MOST_ITEMS - gathering.items.length));
    gathering.state = state; // as it stands in the end
  }

  function begin(key: string, about: Pick<Notice, 'event' | 'pool'>): Gathering {
    const since = performance.now() - (sentAt.get(key) ?? Number.NEGATIVE_INFINITY);
    const timer = setTimeout(() => flush(key), Math.max(times.gather, times.quiet - since)).unref();
    const gathering: Gathering = { ...about, items: [], count: 0, state: 'on', timer };
    gatherings.set(key, gathering);
    return gathering;
  }

  function flush(key: string): void {
    const gathering = gatherings.get(key);
    if (!gathering) return;
    gatherings.delete(key);
    clearTimeout(gathering.timer);
    sentAt.set(key, performance.now());
    const { event, pool, items, count, state } = gathering;
    waiting.push({ id: randomUUID(), event, pool, state, host, at: clock.now(), items, count });
    if (waiting.length > MOST_WAITING) giveUp(waiting.shift(), `more than ${MOST_WAITING} messages wait`);
    sending ??= sendAll().finally(() => {
      sending = null;
    });
  }

  async function sendAll(): Promise<void> {
    for (let message = waiting[0]; message; message = waiting[0]) {
      await send(message);
      if (waiting[0] === message) waiting.shift();
    }
  }

  async function send(message: Message): Promise<void> {
    const until = performance.now() + times.patience;
    for (let tries = 0; waiting[0] === message; tries += 1) {
      const end = await deliver(receiver, message, clock.now());
      if (end.ok) return onEnd('delivered');
      if (end.permanent || closing.signal.aborted || performance.now() > until)
        return giveUp(message, end.reason);
      if (tries === 0)
        logger.warn({ event: message.event, reason: end.reason }, 'a notification is tried again');
      const pause = times.backoff[Math.min(tries, times.backoff.length - 1)] ?? times.backoff[0];
      const longest = times.backoff.at(-1) ?? pause;
      // Who closes tries once more at once.
      await wait(Math.max(pause, Math.min(end.retryAfterMs ?? 0, longest)), undefined, {
        signal: closing.signal,
        ref: false,
      }).catch(() => undefined);
    }
  }

  function giveUp(message: Message | undefined, reason: string): void {
    if (!message) return;
    logger.warn({ event: message.event, to: redactUrl(receiver.url), reason }, 'a notification was given up');
    onEnd('given-up');
  }

  return {
    push,
    async close(withinMs) {
      for (const key of gatherings.keys()) flush(key);
      closing.abort();
      const over = wait(withinMs, undefined, { ref: false });
      await Promise.race([sending, over]);
      for (const message of waiting.splice(0)) giveUp(message, 'Spica ended');
    },
  };
}
