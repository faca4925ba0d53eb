import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import {
  type Clock,
  type Config,
  createNotices,
  isHttpUrl,
  type Message,
  type NotifyEvent,
  redactUrl,
  UsageError,
} from '@spica/core';
import type { Logger } from 'pino';
import type { WorkEvents } from '../work-events.ts';
import { type Delivery, deliver, type Receiver } from './deliver.ts';
import { createOutbox, type Outbox, type OutboxTimes } from './outbox.ts';
import { readSecret } from './secrets.ts';

/** Who ends waits no longer for receivers. */
const CLOSE_MS = 3_000;

export type NotifyConfig = Pick<Config, 'notify'>;
type Environment = Readonly<Record<string, string | undefined>>;

export interface NotifierOptions {
  readonly config: NotifyConfig;
  readonly env: Environment;
  readonly events: WorkEvents;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  readonly times?: OutboxTimes;
}

/** Tells receivers what they asked to be told of. */
export interface Notifier {
  /** Has those of this config told from now on. Throws UsageError SECRET_MISSING: then it is as it was. */
  configure(config: NotifyConfig): Promise<void>;
  /** Gives what waits 3 s more. */
  close(): Promise<void>;
}

interface Served {
  readonly receiver: Receiver;
  readonly on: readonly NotifyEvent[];
  readonly outbox: Outbox;
}

/** Receivers with their secrets read, in the order of the config. Throws UsageError SECRET_MISSING. */
async function readReceivers(
  { notify }: NotifyConfig,
  env: Environment,
): Promise<(Receiver & { readonly on: readonly NotifyEvent[] })[]> {
  return Promise.all(
    notify.map(async ({ url: from, secret, format, on }, index) => {
      const url = await readSecret(from, `notify.${index}.url`, env);
      if (!isHttpUrl(url))
        throw new UsageError(
          'SECRET_MISSING',
          `notify.${index}.url: expected a URL like https://host/path there`,
        );
      const key = secret && (await readSecret(secret, `notify.${index}.secret`, env));
      return { url, format, on, secret: key };
    }),
  );
}

/** Begins to tell what happens from now on. Throws UsageError SECRET_MISSING. */
export async function startNotifier(options: NotifierOptions): Promise<Notifier> {
  const { env, events, clock, logger, times } = options;
  const host = hostname();
  const onEnd = (outcome: 'delivered' | 'given-up') => events.emit({ kind: 'notified', pool: null, outcome });
  let outboxes: Served[] = [];
  const closeAll = async (all: typeof outboxes) => {
    await Promise.all(all.map(({ outbox }) => outbox.close(CLOSE_MS)));
  };
  const configure = async (config: NotifyConfig) => {
    const receivers = await readReceivers(config, env);
    const before = outboxes;
    outboxes = receivers.map(({ on, ...receiver }) => {
      // What waits for one that is as it was goes on to wait.
      const known = before.find((each) => isDeepStrictEqual(each.receiver, receiver));
      const outbox =
        known?.outbox ?? createOutbox({ receiver, host, clock, logger, onEnd, ...(times ? { times } : {}) });
      return { receiver, on, outbox };
    });
    await closeAll(before.filter(({ outbox }) => outboxes.every((each) => each.outbox !== outbox)));
  };
  await configure(options.config);
  const noticesOf = createNotices();
  const end = events.on((event) => {
    for (const notice of noticesOf(event)) {
      for (const { on, outbox } of outboxes) if (on.includes(notice.event)) outbox.push(notice);
    }
  });
  return {
    configure,
    async close() {
      end();
      await closeAll(outboxes);
    },
  };
}

/** What became of a test message: to whom (`https://host/***`), and why it was not delivered. */
export interface TestEnd {
  readonly to: string;
  readonly problem: string | null;
}

/** Sends each receiver a test message, once, from this process. Throws UsageError SECRET_MISSING. */
export async function testReceivers(
  config: NotifyConfig,
  env: Environment,
  clock: Clock,
): Promise<TestEnd[]> {
  const receivers = await readReceivers(config, env);
  return Promise.all(
    receivers.map(async ({ on, ...receiver }) => {
      const at = clock.now();
      const items = [{ text: `this receiver is told of: ${on.join(', ')}` }];
      const about = { event: 'test', pool: null, state: 'on', host: hostname() } as const;
      const message: Message = { id: randomUUID(), ...about, at, items, count: 1 };
      const end: Delivery = await deliver(receiver, message, at);
      return { to: redactUrl(receiver.url), problem: end.ok ? null : end.reason };
    }),
  );
}
