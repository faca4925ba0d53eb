import type { Clock, Config, Reload } from '@spica/core';
import {
  type Audit,
  type AuditLog,
  lockPool,
  makeStateDirPrivate,
  openAudit,
  probeCloneMethod,
  setPoolModes,
} from '@spica/pool';
import { closeQueues, connectWorker, type RedisTarget } from '@spica/queues';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { createClockGuard } from '../clock/guard.ts';
import { tellOfClock } from '../clock/tell.ts';
import { openPoolContext, type PoolContext, type ServedContext } from '../context.ts';
import { createLimits } from '../gatekeeper/limits.ts';
import { createWaker } from '../gatekeeper/waker.ts';
import { type Ballast, createBallast } from '../pressure/ballast.ts';
import { createDiskDoubt, refreshDiskDoubt } from '../pressure/disk-doubt.ts';
import { startMonitor } from '../pressure/monitor.ts';
import { makeRoomToStart } from '../pressure/room-to-start.ts';
import { createDeletionClaim } from '../pruner/claim.ts';
import { reconcile } from '../reconciler/reconcile.ts';
import { freeDeadJobs } from './dead-jobs.ts';
import { type Reconfigured, reconfigure } from './reconfigure.ts';
import { schedule } from './schedulers.ts';
import { startUpkeep } from './upkeep.ts';
import { startWorkers } from './workers.ts';

export interface RuntimeOptions {
  readonly config: Config;
  readonly target: RedisTarget;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** All pools of a config, served by this process. */
export interface Runtime {
  readonly pools: ReadonlyMap<string, ServedContext>;
  readonly auditPath: string;
  /** The config in force; `reconfigure` changes it in place. */
  readonly config: Config;
  /** Takes over what of a config can change while running; names that and the rest. One call at a time. */
  reconfigure(after: Config): Promise<Omit<Reload, 'next'>>;
  /** Finishes or hands back what runs within `shutdown_timeout`, then lets go of the pools. */
  close(): Promise<void>;
}

interface Served extends Reconfigured {
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
  const redis = connectWorker(target);
  redis.on('error', (error: Error) => logger.debug({ err: error }, 'Redis connection'));
  const served: Served[] = [];
  const ballasts: Ballast[] = [];
  const log = await openAudit({
    path: config.audit.path,
    stateDir: config.stateDir,
    clock,
    logger,
    // A disk that has no room for the audit log must not keep Spica from making room.
    onDiskFull: async () => (await Promise.all(ballasts.map((ballast) => ballast.giveUp()))).includes(true),
  });
  const close = async () => {
    await Promise.all(served.map(({ letGo }) => letGo()));
    redis.disconnect();
    await log.close();
  };
  try {
    for (const name of Object.keys(config.pools)) {
      served.push(await serve(name, { config, target, clock, logger }, { redis, log, ballasts }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    pools: new Map(served.map(({ ctx }) => [ctx.pool.name, ctx])),
    auditPath: log.path,
    config,
    reconfigure: (after) => reconfigure(after, { config, logger, pools: served }),
    close,
  };
}

/** What all pools of a process share. */
interface Shared {
  readonly redis: Redis;
  readonly log: AuditLog;
  readonly ballasts: Ballast[];
}

async function serve(
  name: string,
  options: RuntimeOptions,
  { redis, log, ballasts }: Shared,
): Promise<Served> {
  const { config, target, clock, logger } = options;
  const looked = await openPoolContext({ config, pool: name, redis, clock, logger });
  const lock = await lockPool(looked.pool, { clock });
  await using begun = new AsyncDisposableStack(); // ended here, unless all of it was begun
  /** What fails to end keeps nothing else from it, nor the reason for it from being told. */
  const atEnd = (what: string, end: () => Promise<void>) =>
    begun.defer(() =>
      end().catch((err: unknown) => logger.error({ err, pool: name }, `${what} failed to end`)),
    );
  atEnd('the claim', () => lock.release());
  const open = await setPoolModes(looked.pool.paths);
  if (open.length > 0)
    looked.logger.warn({ paths: open }, 'other users may read these: their modes cannot be changed');
  const method = await probeCloneMethod(looked.pool);
  await looked.catalog.identify({ id: looked.pool.id, method });
  await closeQueues(looked.queues);
  const ctx = await openPoolContext({ config, pool: name, redis, clock, logger });
  atEnd('the queues', () => closeQueues(ctx.queues));
  const audit = log.forPool(name);
  const served: ServedContext = {
    ...ctx,
    audit,
    clockGuard: createClockGuard({
      ...ctx,
      monotonic: () => performance.now(),
      onChange: (reason) => tellOfClock(audit, ctx, reason),
    }),
    waker: createWaker(ctx),
    withDeletionClaim: createDeletionClaim(ctx.pool, clock),
    diskDoubt: createDiskDoubt({ dir: ctx.pool.paths.root, monotonic: () => performance.now() }),
    limits: createLimits({ ...ctx, onBreaker: (opened) => tellOfBreaker(audit, ctx, opened) }),
  };
  if (method === 'copy') {
    served.logger.warn('this disk can neither snapshot nor reflink: every spawn copies its template in full');
  }
  await refreshDiskDoubt(served);
  const ballast = createBallast(ctx.pool, ctx.policy.disk.ballastMb * 1e6);
  ballasts.push(ballast);
  await reconcile(served, { starting: true });
  const freed = await freeDeadJobs(ctx.queues, redis);
  if (freed > 0) served.logger.info({ jobs: freed }, 'jobs of a worker that was killed are taken up');
  const workers = await startWorkers(served, target);
  atEnd('the workers', () => workers.close(config.shutdownTimeoutMs));
  await schedule(served);
  const monitor = await startMonitor(served, { ballast, cancelSpawns: workers.cancelSpawns });
  atEnd('the monitor', () => monitor.close());
  const upkeep = await startUpkeep(served);
  atEnd('the upkeep', () => upkeep.close());
  served.logger.info({ root: ctx.pool.paths.root, method }, 'pool is served');
  const whole = begun.move();
  return { ctx: served, workers, letGo: () => whole.disposeAsync() };
}

/** An audit log that takes nothing changes neither the breaker nor how the spawn ended. */
async function tellOfBreaker(audit: Audit, { logger }: PoolContext, opened: string | null): Promise<void> {
  if (opened === null) logger.info('the breaker is closed: spawns work again');
  else logger.error({ reason: opened }, 'the breaker is open: all requests are held');
  const outcome = opened === null ? 'closed' : 'open';
  await audit
    .append({ action: 'breaker', reason: opened ?? 'a spawn has worked again', outcome })
    .catch((error: unknown) => logger.error({ err: error }, 'the audit log does not tell of the breaker'));
}
