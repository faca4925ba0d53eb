import type { Catalog } from '@spica/catalog';
import type { Clock, Size } from '@spica/core';
import { type Pool, singleFlight } from '@spica/pool';
import type { Logger } from 'pino';
import type { ClockGuard } from '../clock/guard.ts';
import type { Filesystem } from './filesystem.ts';
import type { GateState } from './state.ts';

/** What has changed is published after this at the latest. */
const DELAY_MS = 250;
/** What each process has reserved on a filesystem is exchanged so often. */
const EXCHANGE_MS = 2_000;
/** What a process said longer ago than this does not count any more: it has ended. */
const STALE_MS = 30_000;

/** Shows others what the gate has reserved and whom it holds. */
export interface Publisher {
  /** Something has changed: publishes it within moments. */
  soon(): void;
  /** Publishes what is true now; calls at the same time share it. Rejects when Redis does not take it. */
  now(): Promise<void>;
  /** Publishes once more, then nothing. */
  close(): Promise<void>;
}

interface PublisherOptions {
  readonly gate: GateState;
  readonly catalog: Pick<Catalog, 'publishGate'>;
  readonly clock: Clock;
  readonly clockGuard: Pick<ClockGuard, 'now'>;
  readonly logger: Logger;
}

export function createPublisher({ gate, catalog, clock, clockGuard, logger }: PublisherOptions): Publisher {
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  /** The line's `changes` when it was published last: a long one is not written again for each request that ends. */
  let published: number | null = null;
  const publish = singleFlight(async () => {
    const figures = gate.figures(clock.now(), clockGuard.now());
    const { changes } = gate.line;
    const line = changes === published ? null : gate.publishedLine();
    const outcome = await catalog.publishGate(figures, line);
    if (outcome === 'line-missing') await catalog.publishGate(figures, gate.publishedLine());
    published = changes;
  });
  const now = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    return publish();
  };
  const attempt = (work = now()) =>
    work.catch((error: unknown) =>
      logger.debug({ err: error }, 'what the gate has reserved could not be published'),
    );
  return {
    soon() {
      if (closed) return;
      timer ??= setTimeout(() => {
        void attempt();
      }, DELAY_MS).unref();
    },
    now,
    async close() {
      closed = true;
      await attempt();
    },
  };
}

interface SharingOptions {
  readonly catalog: Pick<Catalog, 'exchangeOnFilesystem'>;
  readonly pool: Pick<Pool, 'id'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Publishes what is reserved here on a filesystem to other processes that share this Redis, and counts what they have reserved there.
 * Exact it is not: what two processes reserve within the same moments, neither of them sees. The first of a process's
 * pools on a filesystem does it for all of them. Resolves with how to end it: this process has nothing reserved there then.
 */
export async function shareFilesystem(
  filesystem: Filesystem,
  { catalog, pool, clock, logger }: SharingOptions,
): Promise<() => Promise<void>> {
  const { totals } = filesystem;
  if (filesystem.sharedBy !== null) return async () => undefined;
  filesystem.sharedBy = pool.id;
  // A pool is served by one process at a time: the next one takes the place of one that was killed.
  const process = pool.id;
  const say = (size: Size) =>
    catalog.exchangeOnFilesystem(filesystem.id, { process, at: clock.now(), size }, STALE_MS);
  const exchange = singleFlight(async () => {
    const [reserved, growth] = [totals.reservedHere, totals.growth.size];
    const before = totals.elsewhere;
    totals.elsewhere = await say({
      bytes: reserved.bytes + growth.bytes + totals.pledgedBytes(null),
      inodes: reserved.inodes + growth.inodes,
    });
    const { bytes, inodes } = totals.elsewhere;
    if (bytes !== before.bytes || inodes !== before.inodes) filesystem.elsewhereChangedAt = performance.now();
    const [line] = filesystem.lines;
    if (bytes < before.bytes || inodes < before.inodes) await line?.wake();
  });
  await exchange();
  const timer = setInterval(() => {
    exchange().catch((error: unknown) =>
      logger.debug({ err: error }, 'what other processes have reserved on this disk could not be read'),
    );
  }, EXCHANGE_MS).unref();
  return async () => {
    clearInterval(timer);
    await exchange(); // behind one that is under way, which would say it again
    await say({ bytes: 0, inodes: 0 });
  };
}
