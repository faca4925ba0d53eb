import type { Catalog } from '@spica/catalog';
import { executePlan } from '@spica/client/redis';
import { SpicaError, UnreachableError } from '@spica/core';
import { type PrunePayload, type PruneReport, type PruneResult, runServedJob } from '@spica/queues';
import { previewPrune, reportPlan } from '@spica/workers';
import { withQueues } from '../context/queues.ts';
import { withPool } from '../context/with-pool.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { sayWhile } from '../output/waiting.ts';
import { untilInterrupted } from '../wait/served-job.ts';
import { askIfNothingStays, type PruneEffect } from './ask.ts';
import type { Limits, PruneOptions } from './options.ts';

/** The plan as things stand, sealed so that exactly it can be carried out. */
export function planServed(invocation: Invocation<PruneOptions>, limits: Limits): Promise<PruneReport> {
  return withPool(invocation, async (ctx) => {
    const { plan, digest, unknownDirectories } = await sayWhile(invocation.io, 'planning', () =>
      previewPrune(ctx, limits),
    );
    return reportPlan(ctx.policy.name, {
      plan,
      digest,
      unknownDirectories,
      offline: false,
      ids: limits.ids ?? [],
    });
  });
}

/** Has the worker prune, by its policy or by the sealed plan that was named. Asks first where nothing would stay. */
export function pruneServed(invocation: Invocation<PruneOptions>, limits: Limits): Promise<PruneReport> {
  const { io, options } = invocation;
  return withQueues(invocation, async (opened) => {
    const { name: pool, policy, queues, redis, catalog } = opened;
    const digest = options.plan;
    await askIfNothingStays(io, {
      yes: options.yes === true,
      effect: () =>
        digest === undefined ? effectOfPlan(invocation, limits) : effectOfSealed(catalog, digest),
    });
    const by = parseWho('--by', undefined);
    const payload: PrunePayload = { pool, cause: 'operator', ...limits };
    const result = await untilInterrupted(io, { queue: 'prune', doing: 'pruning' }, (signal) =>
      digest === undefined
        ? (runServedJob(queues, 'prune', payload, { redis, signal }) as Promise<PruneResult>)
        : executePlan(opened, digest, { by, signal }),
    );
    return { pool, dryRun: false, offline: false, trashTtlMs: policy.retention.trashTtlMs, ...result };
  });
}

async function effectOfPlan(invocation: Invocation<PruneOptions>, limits: Limits): Promise<PruneEffect> {
  try {
    const { pruned, kept } = await planServed(invocation, limits);
    return { deletes: pruned.length, kept };
  } catch (error) {
    // The pool's disk is another host's: its worker plans there.
    if (error instanceof SpicaError && !(error instanceof UnreachableError))
      return { unknown: error.message };
    throw error;
  }
}

/** One that is not known is for the worker to refuse: that deletes nothing. */
async function effectOfSealed(catalog: Catalog, digest: string): Promise<PruneEffect> {
  const [sealed, count] = await Promise.all([catalog.plan(digest), catalog.count()]);
  const deletes = sealed?.plan.items.length ?? 0;
  return { deletes, kept: Math.max(0, count - deletes) };
}
