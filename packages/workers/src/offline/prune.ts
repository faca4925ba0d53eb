import type { CatalogInstance } from '@spica/catalog';
import {
  ballastOf,
  CheckError,
  type Clock,
  type Config,
  type PoolConfig,
  poolFloor,
  UsageError,
} from '@spica/core';
import {
  type Audit,
  createSerialiser,
  type ImageNote,
  isInImage,
  listTrash,
  lockDeletion,
  measureInstances,
  openAudit,
  openPool,
  outOf,
  type Pool,
  readImageNote,
  readSpace,
  type TrashEntry,
} from '@spica/pool';
import type { PruneResult } from '@spica/queues';
import type { Logger } from 'pino';
import type { ClockGuard } from '../clock/guard.ts';
import { createResults } from '../collector/results.ts';
import { createCollectRuns } from '../collector/runs.ts';
import { poolConfigOf } from '../context.ts';
import { createBallast } from '../pressure/ballast.ts';
import { operatorJob, type PruneLimits } from '../preview.ts';
import type { Inventory } from '../pruner/inventory.ts';
import { type LookedPlan, makePlan } from '../pruner/plan.ts';
import type { Kept, Removal } from '../pruner/removal.ts';
import { takeOut } from '../pruner/remove.ts';
import { summarize } from '../pruner/summary.ts';
import { bytesOf, freeAll } from '../pruner/trash.ts';
import type { UnknownDirectory } from '../pruner/unknown.ts';
import { isUnaudited } from '../runtime/refused.ts';
import { targetOf } from '../sampler/target.ts';
import { judgeByTraces, lastTraceOf } from './clock.ts';
import { readPoolDisk, recordInventory } from './inventory.ts';

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

export interface OfflinePlan {
  readonly plan: LookedPlan;
  readonly unknownDirectories: readonly UnknownDirectory[];
}

/** What a prune without Redis would do now. Changes nothing. Throws what `openPool` throws. */
export async function previewOfflinePrune(
  options: OfflineOptions,
  limits: PruneLimits,
): Promise<OfflinePlan> {
  const ctx = await openOffline(options);
  return { plan: await planOffline(ctx, limits), unknownDirectories: ctx.unknown };
}

/**
 * Prunes without Redis, from the records on disk, the same way as with it. `isOffline` is asked again right before anything
 * is touched. Excludes the worker's pruner. Throws CheckError: PRUNE_BUSY, REDIS_REACHABLE, AUDIT_UNWRITABLE, NO_SPACE (not
 * even room for that, and no ballast left), and what `openPool` throws.
 */
export async function pruneOffline(
  options: OfflineOptions & { readonly isOffline: () => Promise<boolean> },
  limits: PruneLimits,
): Promise<PruneResult> {
  const { config, clock, logger } = options;
  const policy = poolConfigOf(config, options.pool);
  const pool = await openPool({ name: policy.name, root: policy.root });
  const { totalBytes } = await readSpace(pool.paths.root);
  const ballast = createBallast(pool, ballastOf(policy.disk, totalBytes));
  const onDiskFull = () => ballast.giveUp();
  const claim = await claimOnFullDisk(pool, clock, onDiskFull);
  try {
    const { stateDir } = config;
    const log = await openAudit({ path: config.audit.path, stateDir, clock, logger, onDiskFull });
    try {
      return await prune(options, limits, log.forPool(pool.name));
    } finally {
      await log.close();
    }
  } catch (error) {
    const isFull = isUnaudited(error) && outOf((error as Error).cause) !== null;
    throw isFull ? tooFull(pool, 'the audit log', error) : error;
  } finally {
    await claim.release();
  }
}

async function prune(
  options: OfflineOptions & { readonly isOffline: () => Promise<boolean> },
  limits: PruneLimits,
  audit: Audit,
): Promise<PruneResult> {
  const ctx = await openOffline(options);
  const plan = await planOffline(ctx, limits);
  if (!(await options.isOffline())) throw reachable();
  const inventory = await measured(ctx, plan.deletes);
  const removals = plan.deletes.map(
    ({ id, rule, reason }): Removal => ({ id, rule, reason, request: null, undo: false }),
  );
  const notes = ctx.inventory;
  const collectRuns = createCollectRuns({ ...ctx, audit, notes, promised: () => NOTHING });
  const results = createResults(ctx, collectRuns, { waitMs: null });
  const deletion = { ...ctx, inventory, audit, results, perInstance: createSerialiser() };
  const run = await takeOut(deletion, removals);
  await collectRuns.close();
  const { freed, failed } = await emptyTrash({ ...ctx, audit });
  const gone = new Set(freed.map(({ name }) => name));
  const left = run.taken.map(({ trash }) => trash).filter(({ name }) => !gone.has(name));
  const result: PruneResult = {
    pruned: run.taken.map(({ removal, bytes }) => ({ id: removal.id, reason: removal.reason, bytes })),
    kept: plan.kept + run.skipped.length + run.failed.length,
    skipped: run.skipped,
    failed: [...run.failed, ...failed],
    failsAgain: run.failsAgain,
    unknownDirectories: ctx.unknown,
    unseen: run.unseen ?? plan.unseen,
    reclaimedBytes: bytesOf(freed),
    trashedBytes: bytesOf(left),
    sentence: plan.sentence,
  };
  await summarize({ ...ctx, audit }, operatorJob(ctx.pool.name, limits), result);
  return result;
}

const NOTHING = { bytes: 0, inodes: 0 };

/** A pool without Redis. */
interface OfflineContext {
  readonly policy: PoolConfig;
  readonly pool: Pool;
  readonly image: ImageNote | null;
  readonly isCharged: boolean;
  readonly clock: Clock;
  readonly clockGuard: ClockGuard;
  readonly logger: Logger;
  readonly inventory: Inventory;
  readonly unknown: readonly UnknownDirectory[];
}

async function openOffline(options: OfflineOptions): Promise<OfflineContext> {
  const { clock, logger, known, clockConfirmed } = options;
  const policy = poolConfigOf(options.config, options.pool);
  const pool = await openPool({ name: policy.name, root: policy.root });
  const image = await readImageNote(policy.root);
  const disk = await readPoolDisk(pool);
  const lastTrace = lastTraceOf(disk.records, disk.trash);
  const clockGuard = judgeByTraces(clock.now(), lastTrace, { confirmed: clockConfirmed });
  const inventory = recordInventory(pool, disk, { known, now: () => clockGuard.now() });
  const isCharged = image !== null || policy.disk.hardCap;
  return { policy, pool, image, isCharged, clock, clockGuard, logger, inventory, unknown: disk.unknown };
}

function planOffline(ctx: OfflineContext, limits: PruneLimits): Promise<LookedPlan> {
  return makePlan(ctx, operatorJob(ctx.pool.name, limits));
}

/** What goes and was never measured is measured now, so that the audit log can say what it was. */
async function measured(ctx: OfflineContext, deletes: readonly Kept[]): Promise<Inventory> {
  const found = await ctx.inventory.getMany(deletes.map(({ id }) => id));
  const unmeasured = found
    .filter(({ record }) => record.sample === null)
    .map(({ record }) => targetOf(record));
  const sizes = await measureInstances(ctx.pool, unmeasured, ctx);
  return {
    ...ctx.inventory,
    async getMany(ids) {
      const instances = await ctx.inventory.getMany(ids);
      return instances.map((instance) => {
        const size = sizes.get(instance.record.id);
        const sample = size ? { ...size, changedAt: size.at } : instance.record.sample;
        return { ...instance, record: { ...instance.record, sample } };
      });
    },
  };
}

/** Deletes what the trash has held for its time, and while the disk is below its floor all of it, oldest first. */
async function emptyTrash(
  ctx: OfflineContext & { readonly audit: Audit },
): Promise<{ freed: TrashEntry[]; failed: Kept[] }> {
  const before = ctx.clockGuard.now() - ctx.policy.retention.trashTtlMs;
  const stopsAt = async ({ trashedAt }: TrashEntry) => trashedAt > before && !(await isShort(ctx));
  return freeAll(ctx, await listTrash(ctx.pool), { stopsAt });
}

async function isShort({ pool, policy }: OfflineContext): Promise<boolean> {
  const space = await readSpace(pool.paths.root);
  const floor = poolFloor(policy.disk, space, await isInImage(pool.paths.root));
  return space.availableBytes < floor.bytes || (space.freeInodes !== null && space.freeInodes < floor.inodes);
}

/** Whoever deletes takes a lock, and tells of it first. The lock is a file: where there is no room for it, the ballast goes. */
async function claimOnFullDisk(pool: Pool, clock: Clock, giveUp: () => Promise<boolean>) {
  const take = () => lockDeletion(pool, { clock, purpose: 'spica prune --offline' });
  try {
    return await take();
  } catch (error) {
    if (outOf(error) === null) throw error;
    if (await giveUp()) return take();
    throw tooFull(pool, 'a lock', error);
  }
}

function tooFull({ name, paths }: Pool, what: string, cause: unknown): CheckError {
  const message = `pool ${name}: the disk is so full that not even ${what} can be written: free some by hand first, in ${paths.trash} for one`;
  return new CheckError('NO_SPACE', message, {}, cause);
}

function reachable(): UsageError {
  return new UsageError('REDIS_REACHABLE', '--offline: Redis can be used (again): prune without --offline');
}
