import { systemClock, UsageError } from '@spica/core';
import type { PruneReport } from '@spica/queues';
import {
  createLogger,
  type OfflineOptions,
  previewOfflinePrune,
  pruneOffline,
  reportPlan,
} from '@spica/workers';
import { loadConfig } from '../context/config.ts';
import { choosePool } from '../context/pool.ts';
import { probeRedis, type RedisProbe } from '../context/probe-redis.ts';
import type { Invocation } from '../io.ts';
import { sayWhile } from '../output/waiting.ts';
import { askIfNothingStays } from './ask.ts';
import type { Limits, PruneOptions } from './options.ts';

/** The plan from the records on disk. Throws UsageError REDIS_REACHABLE, and what `openPool` throws. */
export async function planWithoutRedis(
  invocation: Invocation<PruneOptions>,
  limits: Limits,
): Promise<PruneReport> {
  const options = await open(invocation);
  const { plan, unknownDirectories } = await sayWhile(invocation.io, 'planning', () =>
    previewOfflinePrune(options, limits),
  );
  return reportPlan(options.pool, {
    plan,
    digest: null,
    unknownDirectories,
    offline: true,
    ids: limits.ids ?? [],
  });
}

/** Prunes from the records on disk, in this process. Asks first where nothing would stay. */
export async function pruneWithoutRedis(
  invocation: Invocation<PruneOptions>,
  limits: Limits,
): Promise<PruneReport> {
  const { io } = invocation;
  const options = await open(invocation);
  const { config, pool } = options;
  await askIfNothingStays(io, {
    yes: invocation.options.yes === true,
    effect: async () => {
      const { plan } = await previewOfflinePrune(options, limits);
      return { deletes: plan.deletes.length, kept: plan.kept };
    },
  });
  const isOffline = async () => !(await probeRedis(config, pool)).usable;
  const result = await sayWhile(io, 'pruning', () => pruneOffline({ ...options, isOffline }, limits));
  const trashTtlMs = config.pools[pool]?.retention.trashTtlMs ?? 0;
  return { pool, dryRun: false, offline: true, trashTtlMs, ...result };
}

async function open({ io, options }: Invocation<PruneOptions>): Promise<OfflineOptions> {
  const { config } = await loadConfig(io, options);
  const pool = choosePool(config, options.pool).name;
  const redis: RedisProbe = await probeRedis(config, pool);
  if (redis.usable) {
    throw new UsageError('REDIS_REACHABLE', '--offline: Redis can be used: prune without --offline', {
      flag: '--offline',
    });
  }
  const level = options.verbose ? 'debug' : 'warn';
  const logger = createLogger({ level, pretty: io.stderr.isTTY === true });
  const clockConfirmed = options.confirmClock === true;
  return { config, pool, clock: systemClock, logger, known: redis.known, clockConfirmed };
}
