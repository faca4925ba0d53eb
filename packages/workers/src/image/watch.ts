import { isAtCap, isInstanceId } from '@spica/core';
import {
  asMeasurement,
  forgetCharge,
  type Measurement,
  type PoolCharges,
  readCharges,
  readChargesNow,
} from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { endsWithin } from '../runtime/endings.ts';
import { keepMeasurements } from '../sampler/keep.ts';

/** A smaller change is kept by the next sample: each costs a write to the catalog and one to the disk. */
const WORTH_KEEPING_BYTES = 2 ** 20;
/** Written to the catalog at a time. */
const BATCH = 50;
/** Who closes waits no longer than this for a look that is under way. */
const CLOSE_MS = 3_000;

export interface ChargeWatch {
  close(): Promise<void>;
}

/**
 * Looks at each `disk.check_every` at what the kernel charges to all instances of a pool, and keeps what has changed: so
 * an instance that runs away, or comes to its cap, is known of within seconds. Does nothing where nothing is charged.
 */
export function watchCharges(ctx: ServedContext): ChargeWatch {
  if (!ctx.isCharged) return { close: async () => undefined };
  const look = createLook(ctx);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const run = async (): Promise<void> => {
    try {
      await look();
    } catch (error) {
      // Redis or the disk is out of reach for now: the next look tries again.
      ctx.logger.warn({ err: error }, 'what instances are charged could not be looked at');
    }
    if (!closed) schedule();
  };
  let running: Promise<void> = Promise.resolve();
  const schedule = () => {
    timer = setTimeout(() => {
      running = run();
    }, ctx.policy.disk.checkEveryMs);
  };
  running = run();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      if (!(await endsWithin(running, CLOSE_MS)))
        ctx.logger.warn('the look at what instances are charged is left in the middle');
    },
  };
}

function createLook(ctx: ServedContext): () => Promise<void> {
  /** What was kept last, by instance. */
  let kept = new Map<string, Measurement>();
  /** Of groups to which nothing is charged: one that was just made is of a clone that begins. */
  let empty = new Set<string>();
  /** Of those that were seen as this pool's: on a btrfs that is not ours alone there may be other groups, too. */
  let own = new Set<string>();
  return async () => {
    const { root } = ctx.pool.paths;
    // On a btrfs that is not ours alone a sync would make everybody wait: its own commits charge what was written.
    const charges = await (ctx.image ? readChargesNow(root) : readCharges(root));
    if (!charges) return;
    const measured = measurementsOf(ctx, charges);
    const changed = [...measured].filter(([id, now]) => isWorthKeeping(kept.get(id), now));
    kept = new Map([...kept].filter(([id]) => measured.has(id)));
    for (let start = 0; start < changed.length; start += BATCH) {
      const batch = new Map(changed.slice(start, start + BATCH));
      const found = await ctx.catalog.getMany([...batch.keys()]);
      for (const id of await keepMeasurements(ctx, found, batch)) {
        const now = batch.get(id);
        if (now) kept.set(id, now);
      }
    }
    for (const id of ctx.gate.raised.keys()) if (!ctx.gate.ledger.has(id)) ctx.gate.raised.delete(id);
    const { orphanedBytes } = charges;
    note(ctx, { atCap: [...measured.values()].filter(reaches).length, orphanedBytes });
    own = new Set([...own, ...measured.keys()].filter((id) => charges.byInstance.has(id)));
    empty = forgetEmpty(ctx, charges, { before: empty, isOurs: (id) => ctx.image !== null || own.has(id) });
  };
}

/** Of the instances that are there. */
function measurementsOf(
  { gate, clock }: ServedContext,
  { byInstance }: PoolCharges,
): Map<string, Measurement> {
  const there = [...byInstance].filter(([id]) => gate.ledger.has(id));
  return new Map(there.map(([id, charge]) => [id, asMeasurement(charge, clock)]));
}

function isWorthKeeping(before: Measurement | undefined, now: Measurement): boolean {
  if (!before || before.capBytes !== now.capBytes) return true;
  return Math.abs(now.ownBytes - before.ownBytes) >= WORTH_KEEPING_BYTES || reaches(before) !== reaches(now);
}

function reaches(measured: Measurement): boolean {
  return isAtCap({ sample: { ...measured, changedAt: measured.at } });
}

function note({ gate, publisher }: ServedContext, seen: { atCap: number; orphanedBytes: number }): void {
  if (gate.atCap !== seen.atCap || gate.orphanedBytes !== seen.orphanedBytes) publisher.soon();
  Object.assign(gate, seen);
}

/** Has the kernel forget the caps of instances that are gone for good. Returns those that it is to forget the next time. */
function forgetEmpty(
  { pool, gate }: ServedContext,
  { byInstance }: PoolCharges,
  { before, isOurs }: { readonly before: ReadonlySet<string>; readonly isOurs: (id: string) => boolean },
): Set<string> {
  const empty = [...byInstance].filter(
    ([id, { bytes }]) => bytes === 0 && isInstanceId(id) && isOurs(id) && !gate.ledger.has(id),
  );
  return new Set(empty.map(([id]) => id).filter((id) => !(before.has(id) && forgetCharge(pool, id))));
}
