import { checkMarker, createSerialiser, type TrashEntry } from '@spica/pool';
import {
  type PrunePayload,
  type PruneResult,
  parsePayload,
  prunePayloadSchema,
  type ReconcileResult,
  toJobError,
} from '@spica/queues';
import { DelayedError, type Job } from 'bullmq';
import { resultsOf } from '../collector/results.ts';
import type { ServedContext } from '../context.ts';
import { checkIdentity } from '../identity.ts';
import { reconcileNow } from '../reconciler/job.ts';
import { handBack } from '../runtime/hand-back.ts';
import { catalogInventory } from './inventory.ts';
import { learnFrom } from './learn.ts';
import { type LookedPlan, type PlannedPrune, planPrune } from './plan.ts';
import type { Removal, TakenOut } from './removal.ts';
import { takeOut } from './remove.ts';
import { restoreInstance } from './restore.ts';
import { openSealed, type RecheckedPlan } from './sealed.ts';
import { type ForRoom, isForRoom, stillMissing } from './still-missing.ts';
import { summarize } from './summary.ts';
import { bytesOf, freeAll, listExpired, scheduleTrash, trashRelief } from './trash.ts';
import { undoRequest } from './undo.ts';
import { findUnknown } from './unknown.ts';
import { verifyReclaim } from './verify.ts';

/**
 * The prune queue's processor: plans anew from what is there now, deletes what the plan says, and returns what it did.
 * One instance's failure is recorded and the rest go on. Safe to run twice, or two at once.
 */
export function createPruner(ctx: ServedContext) {
  /** Who makes room does so one at a time: each is to see what the one before has brought. */
  const rooms = createSerialiser();
  const work = (payload: PrunePayload, signal?: AbortSignal): Promise<PruneResult | ReconcileResult> => {
    if (payload.cause === 'reconcile') return reconcileNow(ctx);
    const run = () => prune(ctx, payload, signal);
    return isForRoom(payload) ? rooms.run('room', run) : run();
  };
  return async (job: Job, token?: string, signal?: AbortSignal): Promise<PruneResult | ReconcileResult> => {
    try {
      const payload = parsePayload(prunePayloadSchema, job.data, `prune job ${job.id}`);
      await checkMarker(ctx.pool);
      await checkIdentity({ name: ctx.pool.name, root: ctx.pool.paths.root }, ctx.catalog);
      return await handBack<PruneResult | ReconcileResult>(job, token, signal, async () => {
        const result = await ctx.withDeletionClaim(() => work(payload, signal));
        if (payload.cause === 'reconcile') await ctx.catalog.noteRun('reconcile', ctx.clock.now());
        if (payload.cause === 'schedule') await ctx.catalog.noteRun('prune', ctx.clock.now());
        return result;
      });
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      throw toJobError(error);
    }
  };
}

/** What a job came to, before its trash is emptied. */
interface Run extends TakenOut {
  readonly kept: number;
  readonly sentence: string;
  /** What of the trash goes at once. */
  readonly empties: readonly TrashEntry[];
  /** What is to be written when something was deleted. */
  readonly writeLate?: () => Promise<void>;
}

/** The jobs of the prune queue that delete, or bring back. */
type Pruning = Exclude<PrunePayload, { cause: 'reconcile' }>;

async function prune(ctx: ServedContext, payload: Pruning, signal?: AbortSignal): Promise<PruneResult> {
  const run = await takeJob(ctx, payload, signal);
  const { freed, failed } = await empty(ctx, payload, run, signal);
  await run.writeLate?.();
  if (freed.length > 0) await ctx.gate.line.wake();
  const gone = new Set(freed.map(({ name }) => name));
  const result: PruneResult = {
    pruned: run.taken.map(({ removal, bytes }) => ({ id: removal.id, reason: removal.reason, bytes })),
    kept: run.kept + run.skipped.length + run.failed.length,
    skipped: run.skipped,
    failed: [...run.failed, ...failed],
    failsAgain: run.failsAgain,
    unknownDirectories:
      payload.cause === 'schedule' || payload.cause === 'operator' ? await findUnknown(ctx) : [],
    unseen: run.unseen,
    reclaimedBytes: bytesOf(freed),
    trashedBytes: bytesOf(run.taken.map(({ trash }) => trash).filter(({ name }) => !gone.has(name))),
    sentence: run.sentence,
  };
  await summarize(ctx, payload, result);
  observeDeletions(ctx, run);
  return result;
}

function observeDeletions({ observe }: ServedContext, { taken }: Run): void {
  const instances = taken.map(({ removal: { id, rule, reason }, bytes }) => ({ id, rule, reason, bytes }));
  if (instances.length > 0) observe({ kind: 'deleted', instances });
}

/** Nobody waits for a sweep, so it makes way for whoever waits behind it. */
function empty(ctx: ServedContext, payload: Pruning, { empties }: Run, signal?: AbortSignal) {
  const isSweep = payload.cause === 'trash' && !payload.all;
  const stopsAt = async (_: TrashEntry, freed: number) =>
    isSweep && freed > 0 && (await ctx.queues.prune.getWaitingCount()) > 0;
  if (empties.length === 0) return { freed: [], failed: [] };
  return verifyReclaim(ctx, () => freeAll(ctx, empties, { stopsAt, ...(signal ? { signal } : {}) }));
}

const NOTHING: Run = {
  taken: [],
  skipped: [],
  failed: [],
  unseen: null,
  failsAgain: false,
  isCutOff: false,
  kept: 0,
  sentence: '',
  empties: [],
};

async function takeJob(ctx: ServedContext, payload: Pruning, signal?: AbortSignal): Promise<Run> {
  switch (payload.cause) {
    case 'schedule':
    case 'operator':
      return thenExpired(ctx, await takePlanned(ctx, await planNoted(ctx, payload), null, signal), {
        isAsked: payload.cause === 'operator',
      });
    case 'sealed': {
      const { changed, ...plan } = await openSealed(ctx, payload.digest);
      const run = await takePlanned(ctx, plan, null, signal);
      return thenExpired(ctx, { ...run, skipped: [...changed, ...run.skipped] }, { isAsked: true });
    }
    case 'request':
    case 'pressure':
      return takeForRoom(ctx, payload, signal);
    case 'undo': {
      const run = await undoRequest(ctx, payload, signal);
      if (run.isCutOff) {
        await run.writeLate();
        signal?.throwIfAborted();
      }
      const empties = run.taken.map(({ trash }) => trash);
      return { ...NOTHING, ...run, sentence: payload.reason, empties };
    }
    case 'trash': {
      const before = payload.all
        ? Number.POSITIVE_INFINITY
        : ctx.clockGuard.now() - ctx.policy.retention.trashTtlMs;
      return { ...NOTHING, sentence: 'empties the trash', empties: await listExpired(ctx, before) };
    }
    case 'restore':
      await restoreInstance(ctx, payload.id);
      return { ...NOTHING, sentence: `brings back ${payload.id}` };
  }
}

/** The plan of a job that carries it out: what it finds of unsaved work is in the catalog then. */
function planNoted(ctx: ServedContext, job: PlannedPrune): Promise<LookedPlan> {
  return planPrune(ctx, job, { note: (id, unsaved) => ctx.catalog.mark(id, { unsaved }) });
}

/** What the trash has held for long enough goes with this run; with `trash_ttl: 0`, what it took out itself. */
async function thenExpired(
  ctx: ServedContext,
  run: Run,
  options: { readonly isAsked: boolean },
): Promise<Run> {
  const before = ctx.clockGuard.now() - ctx.policy.retention.trashTtlMs;
  return { ...run, empties: await listExpired(ctx, before, options) };
}

/** Slots are free as soon as instances are out of sight: who waits for one is woken before anything is measured. */
async function takePlanned(
  ctx: ServedContext,
  plan: Pick<LookedPlan, 'kept' | 'sentence'> &
    Partial<Pick<LookedPlan, 'unseen'>> & { readonly deletes: RecheckedPlan['deletes'] },
  request: string | null,
  signal?: AbortSignal,
): Promise<Run> {
  const removals = plan.deletes.map(
    ({ id, rule, reason }): Removal => ({ id, rule, reason, request, undo: false }),
  );
  const deletion = { ...ctx, inventory: catalogInventory(ctx), results: resultsOf(ctx) };
  const taken = await takeOut(deletion, removals, signal);
  if (taken.taken.length > 0) await ctx.gate.line.wake();
  const learned = await learnFrom(ctx, taken.taken);
  if (taken.isCutOff) signal?.throwIfAborted();
  const { kept, sentence } = plan;
  const unseen = taken.unseen ?? plan.unseen ?? null;
  return { ...NOTHING, ...taken, taken: learned, kept, sentence, unseen };
}

/** Who is short of space gets the trash's first; and what goes for its space cannot wait in the trash. */
async function takeForRoom(ctx: ServedContext, payload: ForRoom, signal?: AbortSignal): Promise<Run> {
  const request = payload.cause === 'request' ? payload.request : null;
  const relief = await trashRelief(ctx, await stillMissing(ctx, payload, signal));
  const plan = await planNoted(ctx, { ...payload, shortfall: relief.left });
  const run = await takePlanned(ctx, plan, request, signal);
  const reclaim = request === null ? undefined : ctx.gate.reclaims.get(request);
  if (reclaim) reclaim.isMade = true;
  const shortOfSpace = relief.left.bytes > 0 || relief.left.inodes > 0;
  if (shortOfSpace) return { ...run, empties: [...relief.entries, ...run.taken.map(({ trash }) => trash)] };
  await scheduleTrash(ctx); // whoever waits for slots need not wait for `rm`
  return { ...run, empties: relief.entries };
}
