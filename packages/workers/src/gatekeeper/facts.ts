import { floorOf, type GateFacts, type GateRequest, type GateTerms, type Size } from '@spica/core';
import { type Prepared, readLineage } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import type { GateJob } from './gate-job.ts';
import { needFor } from './need.ts';

/** What was gathered for one decision, and what of it the carrying out needs. */
export interface Gathered {
  readonly facts: Omit<GateFacts, 'relief'>;
  /** The snapshot that the request's instances would be cloned from; null where it is not up to date. */
  readonly prepared: Prepared | null;
  readonly generation: number;
  /** What each instance is expected to become by itself; null without a snapshot. */
  readonly expected: Size | null;
}

/** The request as the rules see it. */
export function requestOf({ ctx, id, state }: GateJob): GateRequest {
  const { template, count, maxWaitMs } = state.request;
  return { id, template, count, heldAt: state.heldAt, maxWaitMs: maxWaitMs ?? ctx.config.gate.maxWaitMs };
}

export function termsOf({ config, policy }: Pick<PoolContext, 'config' | 'policy'>): GateTerms {
  const { barrierAfterMs, maxWaiting, maxSpawnsPerHour, breaker } = config.gate;
  const { maxInstances } = policy.retention;
  return { barrierAfterMs, maxWaiting, maxSpawnsPerHour, breaker, maxInstances };
}

/**
 * Gathers what a decision needs. What takes time comes first, and the disk last: no reading is older than the request's
 * turn. Throws RefusedError TEMPLATE_* for what the template itself is refused for.
 *
 * @param doubt Why the request must wait for now, whatever the figures say; null for no such reason.
 */
export async function gatherFacts(gateJob: GateJob, doubt: string | null): Promise<Gathered> {
  const { ctx, id, state } = gateJob;
  const { gate } = ctx;
  const { template, parent } = state.request;
  const [prepared, generation, cancelled] = await Promise.all([
    state.fingerprint ? ctx.templates.get(template, state.fingerprint) : ctx.templates.current(template),
    generationAfter(ctx, parent),
    // A request that was never held has its cancellation seen when its instances come up: one command less for each.
    state.heldAt === null ? gate.cancelled.has(id) : ctx.catalog.isCancelled(id, state.life),
  ]);
  const need = prepared && (await needFor(ctx, prepared, state.request));
  return {
    prepared,
    generation,
    expected: need?.perInstance ?? null,
    facts: {
      now: ctx.clock.now(),
      terms: termsOf(ctx),
      cancelled,
      line: gate.line.state(),
      limits: gate.limits,
      doubt: doubt ?? ctx.diskDoubt.reason(),
      need,
      preparation: state.preparation,
      ...(await readDisk(ctx, gate.filesystem.totals.landed.size)),
    },
  };
}

/** The disk as it is now. `landed` is the ledger's, from before. */
export async function readDisk(
  { gauge, policy }: Pick<PoolContext, 'gauge' | 'policy'>,
  landed: Size,
): Promise<Pick<GateFacts, 'space' | 'floor' | 'landed'>> {
  const space = await gauge.read({ maxAgeMs: 0 });
  return { space, floor: floorOf(policy.disk, space.totalInodes), landed };
}

/** The parent's generation + 1, by its lineage, or where that was removed by the catalog; 0 without a parent, or when it is gone. */
async function generationAfter(ctx: PoolContext, parent: string | null): Promise<number> {
  if (parent === null) return 0;
  const lineage = await readLineage(ctx.pool, parent);
  const { generation = -1 } = lineage ?? (await ctx.catalog.get(parent))?.record ?? {};
  return generation + 1;
}
