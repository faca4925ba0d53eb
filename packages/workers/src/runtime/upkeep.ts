import { checkMarker } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { scheduleTrash } from '../pruner/trash.ts';
import { reconcile } from '../reconciler/reconcile.ts';
import { mirrorChanges } from './mirror.ts';
import { schedule } from './schedulers.ts';

const EVERY_MS = 5_000;

export interface Upkeep {
  close(): Promise<void>;
}

/**
 * What a served pool needs besides its jobs: mirrors changes to disk and wakes held requests as soon as they are
 * announced; at times looks whether the trash's time has come, the clocks agree, and Redis still knows the pool.
 */
export async function startUpkeep(ctx: ServedContext): Promise<Upkeep> {
  let running: Promise<void> = Promise.resolve();
  let closed = false;
  const run = (work: () => Promise<void>) => {
    running = running.then(async () => {
      if (closed) return;
      try {
        await checkMarker(ctx.pool);
        await work();
      } catch (error) {
        // Redis or the disk is out of reach for now, or another disk is in its place: the next look tries again.
        ctx.logger.warn({ err: error }, 'upkeep of the pool failed');
      }
    });
  };
  const unsubscribe = await ctx.catalog.onChange(() => run(() => attend(ctx)));
  const timer = setInterval(() => run(() => look(ctx)), EVERY_MS);
  run(() => look(ctx));
  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await unsubscribe();
      await running;
    },
  };
}

/** A lease ended, or an operator did something: the disk has to know, and somebody may fit now. */
async function attend(ctx: ServedContext): Promise<void> {
  await mirrorChanges(ctx);
  await ctx.waker.wake();
}

async function look(ctx: ServedContext): Promise<void> {
  if ((await ctx.catalog.reconciled()) === null) await takeUpAgain(ctx);
  await mirrorChanges(ctx);
  await ctx.clockGuard.suspended();
  await scheduleTrash(ctx);
  await sweepTemplates(ctx);
}

/** Snapshots that no reservation needs any more give their space back. */
async function sweepTemplates({ catalog, templates }: ServedContext): Promise<void> {
  const reserved = await catalog.reservations();
  await templates.sweep(new Set(reserved.map(({ fingerprint }) => fingerprint)));
}

/** Redis was emptied under our feet: tell it anew what there is, and what repeats. */
async function takeUpAgain(ctx: ServedContext): Promise<void> {
  ctx.logger.error('Redis has lost the catalog; rebuilding it from the disk');
  await ctx.catalog.identify({ id: ctx.pool.id, method: ctx.method });
  await reconcile(ctx, { starting: false });
  await schedule(ctx);
  await ctx.waker.wake();
}
