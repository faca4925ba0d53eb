import {
  type DiskFacts,
  type GateFacts,
  type GateRequest,
  type GateTerms,
  type LedgerSums,
  messageOf,
  poolFloor,
  RefusedError,
  type Size,
  TimedOutError,
  withDeadline,
} from '@spica/core';
import { type Prepared, readLineage } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { readBounds } from '../gate/bounds.ts';
import { forkSource } from '../image/fork.ts';
import { DISK_MS, troubleOf } from '../pressure/disk-trouble.ts';
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
 * turn. Throws RefusedError TEMPLATE_* for what the template itself is refused for, COLLECT_TARGET for results without a place.
 *
 * @param doubt Why the request must wait for now, whatever the figures say; null for no such reason.
 */
export async function gatherFacts(gateJob: GateJob, doubt: string | null): Promise<Gathered> {
  const { ctx, id, state } = gateJob;
  const { gate } = ctx;
  const [{ prepared, generation }, cancelled] = await Promise.all([
    unlessInTrouble(ctx, () => readPool(ctx, state)),
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
      doubt,
      need,
      preparation: state.preparation,
      ...(await readDisk(ctx, gate.ledger.sums(ctx.clockGuard.now()), gate.ledger.ownBytes)),
    },
  };
}

/** What of the pool's disk a decision follows from, besides its space. */
interface OnDisk {
  readonly prepared: Prepared | null;
  readonly generation: number;
}

async function readPool(
  ctx: PoolContext,
  { fingerprint, request: { template, parent, from, collect } }: GateJob['state'],
): Promise<OnDisk> {
  requireCollectTo(ctx, collect);
  const [prepared, generation] = await Promise.all([
    from !== null
      ? forkSource(ctx, from)
      : fingerprint
        ? ctx.templates.get(template, fingerprint)
        : ctx.templates.current(template),
    generationAfter(ctx, parent),
  ]);
  return { prepared, generation };
}

/** What could never be collected would never go. */
function requireCollectTo({ policy }: Pick<PoolContext, 'policy'>, collect: readonly string[] | null): void {
  if (policy.collectTo !== null || collect === null || collect.length === 0) return;
  const problem = `collect: pool ${policy.name} has no place for results: expected collect_to in its config`;
  throw new RefusedError('COLLECT_TARGET', problem);
}

/** While something is wrong with the disk nothing of it is needed, and what it answers says nothing of the request. */
async function unlessInTrouble(ctx: PoolContext, read: () => Promise<OnDisk>): Promise<OnDisk> {
  const nothing = { prepared: null, generation: 0 };
  if (troubleOf(ctx) !== null) return nothing;
  const reading = read();
  for (;;) {
    try {
      return await withDeadline(reading, DISK_MS, 'the disk');
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      if ((await ctx.diskWrites.check()) !== null) return nothing;
      if (!(error instanceof TimedOutError)) throw error; // else it is a large template, which takes its time
    }
  }
}

/** What the disk says, and what is wrong with it. */
export type DiskNow = DiskFacts & Pick<GateFacts, 'trouble'>;

/**
 * The disk as it is now. One that cannot be read is the host's trouble, and has no room meanwhile.
 *
 * @param sums The ledger's, from before.
 * @param ownBytes What the pool's instances take by themselves.
 */
export async function readDisk(
  ctx: Pick<
    PoolContext,
    'gauge' | 'policy' | 'pool' | 'image' | 'templates' | 'quota' | 'diskWrites' | 'diskDoubt'
  >,
  sums: Pick<LedgerSums, 'landed' | 'bounds'>,
  ownBytes: number,
): Promise<DiskNow> {
  const { landed } = sums;
  try {
    const reading = Promise.all([ctx.gauge.read({ maxAgeMs: 0 }), readBounds(ctx, sums, ownBytes)]);
    const [space, bounds] = await withDeadline(reading, DISK_MS, 'the disk');
    return {
      space,
      landed,
      floor: poolFloor(ctx.policy.disk, space, ctx.image !== null),
      bounds,
      trouble: troubleOf(ctx),
    };
  } catch (error) {
    const trouble = troubleOf(ctx) ?? {
      code: 'DISK_UNREADABLE',
      reason: `the disk cannot be read: ${messageOf(error)}`,
    };
    return {
      space: NO_SPACE,
      landed,
      floor: poolFloor(ctx.policy.disk, NO_SPACE, ctx.image !== null),
      bounds: [],
      trouble,
    };
  }
}

const NO_SPACE = { availableBytes: 0, totalBytes: 0, freeInodes: null, totalInodes: null };

/** The parent's generation + 1, by its lineage, or where that was removed by the catalog; 0 without a parent, or when it is gone. */
async function generationAfter(ctx: PoolContext, parent: string | null): Promise<number> {
  if (parent === null) return 0;
  const lineage = await readLineage(ctx.pool, parent);
  const { generation = -1 } = lineage ?? (await ctx.catalog.get(parent))?.record ?? {};
  return generation + 1;
}
