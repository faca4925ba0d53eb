import { ballastOf, CheckError, type Clock, type Config, type Reload } from '@spica/core';
import {
  lockPool,
  makeStateDirPrivate,
  openAudit,
  type Pool,
  probeCloneMethod,
  setPoolModes,
  singleFlight,
  whyUnwritable,
} from '@spica/pool';
import { closeQueues, connectWorker, describeTarget, type RedisTarget } from '@spica/queues';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { openPoolContext, type ServedContext } from '../context.ts';
import type { Filesystems } from '../gate/filesystem.ts';
import { loadGate } from '../gate/load.ts';
import { shareFilesystem } from '../gate/publish.ts';
import { pledgeGrowth } from '../image/pledge.ts';
import { requireCharges } from '../image/require.ts';
import { watchCharges } from '../image/watch.ts';
import { watchForNotices } from '../notify/watch.ts';
import { type Ballast, createBallast } from '../pressure/ballast.ts';
import { refreshDiskDoubt } from '../pressure/disk-doubt.ts';
import { startMonitor } from '../pressure/monitor.ts';
import { makeRoomToStart } from '../pressure/room-to-start.ts';
import { warnIfBlind } from '../pruner/policy.ts';
import { reconcile } from '../reconciler/reconcile.ts';
import { createWorkEvents, type WorkEvents } from '../work-events.ts';
import { type AuditWatch, watchAudit } from './audit-watch.ts';
import { endingsOf } from './endings.ts';
import { type Reconfigured, reconfigure } from './reconfigure.ts';
import { schedule } from './schedulers.ts';
import { makeServed, type SharedByPools } from './served.ts';
import { startServing } from './serving.ts';
import { startUpkeep } from './upkeep.ts';
import { startWorkers } from './workers.ts';

export interface RuntimeOptions {
  readonly config: Config;
  readonly target: RedisTarget;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Hears of what is done and seen; by default nobody does. */
  readonly events?: WorkEvents;
}

/** All pools of a config, served by this process. */
export interface Runtime {
  readonly pools: ReadonlyMap<string, ServedContext>;
  readonly auditPath: string;
  /** The config in force; `reconfigure` changes it in place. */
  readonly config: Config;
  /** Takes over what of a config can change while running; names that and the rest. One call at a time. */
  reconfigure(after: Config): Promise<Omit<Reload, 'next'>>;
  /** Resolves once Redis has answered over the connection that the pools use; while Redis is away it waits for it. */
  ping(): Promise<unknown>;
  /** Rejects once another process has one of the pools, or its name: then all of them are to be let go. */
  readonly lost: Promise<never>;
  /** Finishes or hands back what runs within `shutdown_timeout`, then lets go of the pools: within seconds, also while Redis is away. */
  close(): Promise<void>;
}

interface Served extends Reconfigured {
  /** Rejects once another process has the pool, or its name. */
  readonly lost: Promise<never>;
  /** Ends what serves the pool, the last begun first, and lets go of it. */
  letGo(): Promise<void>;
}

/**
 * Takes charge of every pool in the config and starts its workers and schedules. All or none: when one pool cannot be
 * served, those begun are let go. Throws what `openPool` and `lockPool` throw (POOL_SERVED names the other process).
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { target, clock, logger } = options;
  const config = structuredClone(options.config); // ours: `reconfigure` changes it in place
  await makeStateDirPrivate(config.stateDir);
  await makeRoomToStart(config, logger);
  const events = options.events ?? createWorkEvents(logger);
  const served: Served[] = [];
  const ballasts: Ballast[] = [];
  const filesystems: Filesystems = new Map();
  const log = await openAudit({
    path: config.audit.path,
    stateDir: config.stateDir,
    clock,
    logger,
    // A disk that has no room for the audit log must not keep Spica from making room.
    onDiskFull: async () => (await Promise.all(ballasts.map((ballast) => ballast.giveUp()))).includes(true),
  });
  const redis = connectWorker(target); // no sooner: it holds the process until it is ended
  redis.on('error', (error: Error) => logger.debug({ err: error }, 'Redis connection'));
  const wait = () =>
    logger.warn({ redis: describeTarget(target) }, 'Redis has gone away: the start waits for it');
  redis.once('close', wait);
  let auditWatch: AuditWatch | null = null;
  const close = async () => {
    await auditWatch?.close();
    await Promise.all(served.map(({ letGo }) => letGo()));
    redis.disconnect();
    await log.close();
  };
  try {
    for (const name of Object.keys(config.pools)) {
      served.push(
        await serve(name, { config, target, clock, logger }, { redis, log, ballasts, filesystems, events }),
      );
    }
  } catch (error) {
    redis.off('close', wait);
    await close();
    throw error;
  }
  redis.off('close', wait);
  auditWatch = watchAudit({ log, pools: served.map(({ ctx }) => ctx), clock, logger, emit: events.emit });
  return {
    pools: new Map(served.map(({ ctx }) => [ctx.pool.name, ctx])),
    auditPath: log.path,
    config,
    reconfigure: (after) => reconfigure(after, { config, logger, pools: served }),
    ping: singleFlight(() => redis.ping()), // one question waits while Redis is away, however often it is asked
    lost: firstLost(served),
    close,
  };
}

function firstLost(served: readonly Served[]): Promise<never> {
  const lost = Promise.race(served.map((pool) => pool.lost));
  lost.catch(() => undefined); // whoever runs the workers awaits it
  return lost;
}

interface Shared extends SharedByPools {
  readonly redis: Redis;
  readonly ballasts: Ballast[];
}

async function serve(name: string, options: RuntimeOptions, shared: Shared): Promise<Served> {
  const { config, target, clock, logger } = options;
  const { redis } = shared;
  const opened = await openPoolContext({ config, pool: name, redis, clock, logger });
  await requireWritable(opened.pool);
  const lock = await lockPool(opened.pool, { clock });
  await using begun = new AsyncDisposableStack(); // ended here, unless all of it was begun
  const { atEnd, atEndTell } = endingsOf(begun, opened.logger);
  atEnd('the claim', () => lock.release());
  const open = await setPoolModes(opened.pool.paths);
  if (open.length > 0)
    opened.logger.warn({ paths: open }, 'other users may read these: their modes cannot be changed');
  const method = await probeCloneMethod(opened.pool);
  await requireCharges(opened, method);
  const serving = await startServing({ ...opened, method, lock });
  atEndTell('the right to serve it', () => serving.close());
  await closeQueues(opened.queues);
  const ctx = await openPoolContext({ config, pool: name, redis, clock, logger });
  atEndTell('the queues', () => closeQueues(ctx.queues));
  const served = await makeServed(ctx, shared);
  if (method === 'copy') {
    served.logger.warn('this disk can neither snapshot nor reflink: every spawn copies its template in full');
  }
  warnIfBlind(served);
  await refreshDiskDoubt(served);
  const { totalBytes } = await ctx.gauge.read({ maxAgeMs: 0 });
  const ballast = createBallast(ctx.pool, ballastOf(ctx.policy.disk, totalBytes));
  shared.ballasts.push(ballast);
  await reconcile(served, { starting: true });
  await loadGate(served);
  const { filesystem, below } = served.gate;
  await pledgeGrowth(served, ctx.pool.paths.root);
  for (const shared of [filesystem, ...below.map((disk) => disk.filesystem)]) {
    atEndTell('the sharing of the disk', await shareFilesystem(shared, served));
  }
  atEndTell('the publisher', () => served.publisher.close());
  const workers = await startWorkers(served, target);
  atEnd('the workers', () => workers.close(config.shutdownTimeoutMs));
  atEnd('the collections', () => served.collectRuns.close()); // jobs of the workers may wait for them
  await schedule(served);
  const monitor = await startMonitor(served, { ballast, cancelSpawns: workers.cancelSpawns });
  atEnd('the monitor', () => monitor.close());
  const upkeep = await startUpkeep(served);
  atEnd('the upkeep', () => upkeep.close());
  const endNotices = watchForNotices(served);
  atEnd('the watch for notifications', async () => endNotices());
  const charges = watchCharges(served);
  atEnd('the watch over what instances are charged', () => charges.close());
  await served.gate.line.wake(); // what held them may be over since
  served.logger.info({ root: ctx.pool.paths.root, method }, 'pool is served');
  const whole = begun.move();
  return { ctx: served, workers, lost: serving.lost, letGo: () => whole.disposeAsync() };
}

/** Throws CheckError DISK_UNWRITABLE: a pool on a disk that takes no writes cannot be served. */
async function requireWritable(pool: Pool): Promise<void> {
  const problem = await whyUnwritable(pool);
  if (problem !== null) throw new CheckError('DISK_UNWRITABLE', `pool ${pool.name}: ${problem}`);
}
