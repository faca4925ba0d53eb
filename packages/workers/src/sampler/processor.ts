import { checkMarker, measureInstances } from '@spica/pool';
import {
  type CollectResult,
  type GrowResult,
  parsePayload,
  type SampleResult,
  samplePayloadSchema,
  toJobError,
} from '@spica/queues';
import { DelayedError, type Job } from 'bullmq';
import { collectByCommand } from '../collector/job.ts';
import type { ServedContext } from '../context.ts';
import { growInstance } from '../image/grow.ts';
import { handBack } from '../runtime/hand-back.ts';
import { keepMeasurements } from './keep.ts';
import { targetOf } from './target.ts';

/** How many instances are measured by one process, and between two writes to the catalog. */
const BATCH = 50;
/** Most that one job measures; what is due then waits for the next, longest overdue first. */
const MOST = 5_000;

/**
 * The sample queue's processor: measures the instances asked for, or those that are due, raises caps, and collects by command. What vanishes while it is
 * measured is no error.
 */
export function createSampler(ctx: ServedContext) {
  return async (
    job: Job,
    token?: string,
    signal?: AbortSignal,
  ): Promise<SampleResult | GrowResult | CollectResult> => {
    try {
      const payload = parsePayload(samplePayloadSchema, job.data, `sample job ${job.id}`);
      await checkMarker(ctx.pool);
      if ('grow' in payload) return await growInstance(ctx, payload.grow);
      if ('collect' in payload) {
        const { collect } = payload;
        return await handBack(job, token, signal, () => collectByCommand(ctx, collect, signal));
      }
      const { ids } = payload;
      const due = ids ?? (await ctx.catalog.listDue(ctx.clock.now(), MOST));
      return await handBack(job, token, signal, async () => {
        const result = await sample(ctx, due, signal);
        if (ids === null) await ctx.catalog.noteRun('sample', ctx.clock.now());
        return result;
      });
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      throw toJobError(error);
    }
  };
}

async function sample(
  ctx: ServedContext,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<SampleResult> {
  const measured: string[] = [];
  const vanished: string[] = [];
  for (let start = 0; start < ids.length; start += BATCH) {
    signal?.throwIfAborted();
    const batch = ids.slice(start, start + BATCH);
    const kept = await sampleBatch(ctx, batch, signal);
    for (const id of batch) (kept.has(id) ? measured : vanished).push(id);
  }
  if (measured.length > 0) ctx.logger.info({ measured: measured.length }, 'instances measured');
  return { measured, vanished };
}

async function sampleBatch(
  ctx: ServedContext,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<Set<string>> {
  const records = (await ctx.catalog.getMany(ids)).map(({ record }) => record);
  const measurements = await measureInstances(ctx.pool, records.map(targetOf), {
    clock: ctx.clock,
    ...(signal ? { signal } : {}),
  });
  return keepMeasurements(ctx, records, measurements);
}
