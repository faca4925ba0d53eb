import { reconcile } from '../../packages/workers/src/reconciler/reconcile.ts';
import { mirrorChanges } from '../../packages/workers/src/runtime/mirror.ts';
import type { World } from './world.ts';

/** Compares the disk with the catalog, and mirrors what waits for it, as a worker does at its start and at times. */
export async function reconcileWorld(world: World, starting: boolean): Promise<void> {
  const { ctx } = world;
  await ctx.catalog.identify({ id: ctx.pool.id, method: ctx.method });
  await reconcile(ctx, { starting });
  await mirrorChanges(ctx);
}
