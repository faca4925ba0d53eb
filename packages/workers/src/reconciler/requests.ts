import { cleanStaging } from '@spica/pool';
import type { ServedContext } from '../context.ts';

/**
 * Mends what requests left behind that ended while nobody looked (a killed worker, a job removed by hand): their
 * reservations are given back, their instances become ready, half clones are removed. Call it before the workers
 * start: nothing is being cloned then.
 */
export async function mendRequests(ctx: ServedContext): Promise<void> {
  await cleanStaging(ctx.pool, new Set());
  for (const { request } of await ctx.catalog.reservations()) {
    const state = await ctx.queues.gate.getJobState(request);
    if (state !== 'unknown' && state !== 'completed' && state !== 'failed') continue;
    const ready = await ctx.catalog.settle(request);
    ctx.logger.warn({ request, state, instances: ready }, 'reservation of an ended request given back');
  }
  for (const { request } of await ctx.catalog.held()) {
    const state = await ctx.queues.gate.getJobState(request);
    if (state === 'unknown' || state === 'completed' || state === 'failed')
      await ctx.catalog.release(request);
  }
}
