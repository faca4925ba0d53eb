import type { CatalogInstance } from '@spica/catalog';
import { CheckError, type Clock, type Config, UsageError } from '@spica/core';
import { lockDeletion, openAudit, openPool, type Pool } from '@spica/pool';
import type { PruneResult } from '@spica/queues';
import type { Logger } from 'pino';
import { policyOf } from '../context.ts';
import { createBallast } from '../pressure/ballast.ts';
import { summarize } from '../pruner/summary.ts';
import { type OfflineContext, type OfflineLimits, type OfflinePlan, planOffline } from './plan.ts';
import { takeOutOffline } from './take-out.ts';
import { emptyTrashOffline } from './trash.ts';

export interface OfflineOptions {
  readonly config: Config;
  readonly pool: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What Redis says where it can be read, though not written; empty where it cannot. */
  readonly known: ReadonlyMap<string, CatalogInstance>;
  /** An operator vouches for the host's clock. */
  readonly clockConfirmed: boolean;
}

/** What a prune without Redis would do now. Changes nothing. Throws what `openPool` throws. */
export async function previewOfflinePrune(
  options: OfflineOptions,
  limits: OfflineLimits,
): Promise<OfflinePlan> {
  return planOffline(await openContext(options), limits);
}

/**
 * Prunes without Redis, from the records on disk. `isOffline` is asked again right before anything is touched. Excludes
 * the worker's pruner. Throws CheckError: PRUNE_BUSY, REDIS_REACHABLE, AUDIT_UNWRITABLE, NO_SPACE (not even room for
 * that, and no ballast left), and what `openPool` throws.
 */
export async function pruneOffline(
  options: OfflineOptions & { readonly isOffline: () => Promise<boolean> },
  limits: OfflineLimits,
): Promise<PruneResult> {
  const { config, clock, logger } = options;
  const ctx = await openContext(options);
  const ballast = createBallast(ctx.pool, ctx.policy.disk.ballastMb * 1e6);
  const claim = await claimOnFullDisk(ctx.pool, clock, () => ballast.giveUp());
  try {
    const { stateDir } = config;
    const onDiskFull = () => ballast.giveUp();
    const log = await openAudit({ path: config.audit.path, stateDir, clock, logger, onDiskFull });
    try {
      const audit = log.forPool(ctx.pool.name);
      const { plan, strangers, clockGuard } = await planOffline(ctx, limits);
      if (!(await options.isOffline())) throw reachable();
      const run = await takeOutOffline({ ...ctx, audit, clockGuard }, plan.deletes);
      const { freed, failed } = await emptyTrashOffline({ ...ctx, audit, clockGuard });
      const gone = new Set(freed.map(({ name }) => name));
      const left = run.taken.filter(({ trash }) => !gone.has(trash.name));
      const result: PruneResult = {
        pruned: run.taken.map(({ id, reason, trash }) => ({ id, reason, bytes: trash.note?.bytes ?? null })),
        kept: plan.kept + run.skipped.length + run.failed.length,
        skipped: run.skipped,
        failed: [...run.failed, ...failed],
        strangers,
        reclaimedBytes: freed.reduce((sum, { note }) => sum + (note?.bytes ?? 0), 0),
        trashedBytes: left.reduce((sum, { trash }) => sum + (trash.note?.bytes ?? 0), 0),
        sentence: plan.sentence,
      };
      await summarize({ ...ctx, audit }, { pool: ctx.pool.name, cause: 'operator', ...limits }, result);
      return result;
    } finally {
      await log.close();
    }
  } finally {
    await claim.release();
  }
}

async function openContext(options: OfflineOptions): Promise<OfflineContext> {
  const policy = policyOf(options.config, options.pool);
  const pool = await openPool({ name: policy.name, root: policy.root });
  return { ...options, policy, pool };
}

/** The claim is a file. Where there is no room for it, the ballast goes first. */
async function claimOnFullDisk(pool: Pool, clock: Clock, giveUp: () => Promise<boolean>) {
  const take = () => lockDeletion(pool, { clock, purpose: 'spica prune --offline' });
  try {
    return await take();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    if (await giveUp()) return take();
    throw new CheckError(
      'NO_SPACE',
      `pool ${pool.name}: the disk is so full that not even a lock can be written: free some by hand first, in ${pool.paths.trash} for one`,
      {},
      error,
    );
  }
}

function isDiskFull(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOSPC';
}

function reachable(): UsageError {
  return new UsageError('REDIS_REACHABLE', '--offline: Redis can be used (again): prune without --offline');
}
