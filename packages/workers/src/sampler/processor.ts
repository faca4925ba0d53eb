import { checkMarker, measureInstances } from '@spica/pool';
import { parsePayload, type SampleResult, samplePayloadSchema, toJobError } from '@spica/queues';
import { DelayedError, type Job } from 'bullmq';
import { collectByCommand } from '../collector/job.ts';
import type { ServedContext } from '../context.ts';
import { growOrHold } from '../image/hold-grow.ts';
import { handBack, tryAgain } from '../runtime/hand-back.ts';
import { answer } from './ask.ts';
import { keepMeasurements } from './keep.ts';
import { targetOf } from './target.ts';

/** How many instances are measured by one process, and between two writes to the catalog. */
const BATCH = 50;
/** Most that one job measures; what is due then waits for the next, longest overdue first. */
const MOST = 5_000;

/**
 * The sample queue's processor: measures the instances asked for, or those that are due, raises caps, collects by
 * command, and tells what was asked. What vanishes while it is measured is no error. Who asks is answered beside what may
 * take long, measuring and collecting: of these no more run at a time than `concurrency.sample` says.
 */
export function createSampler(ctx: ServedContext) {
  let passes = 0;
  return async (job: Job, token?: string, signal?: AbortSignal): Promise<unknown> => {
    try {
      const payload = parsePayload(samplePayloadSchema, job.data, `sample job ${job.id}`);
      await checkMarker(ctx.pool);
      if ('grow' in payload) return await growOrHold(ctx, job, token, payload.grow);
      if ('ask' in payload) return await answer(ctx, payload.ask);
      if (passes >= ctx.config.concurrency.sample) return await tryAgain(job, token);
      passes += 1;
      try {
        return await handBack(job, token, signal, async () =>
          'collect' in payload
            ? await collectByCommand(ctx, payload.collect, signal)
            : await pass(ctx, payload.ids, signal),
        );
      } finally {
        passes -= 1;
      }
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      throw toJobError(error);
    }
  };
}

/** Measures these, or (null) those that are due. */
async function pass(
  ctx: ServedContext,
  ids: readonly string[] | null,
  signal?: AbortSignal,
): Promise<SampleResult> {
  const due = ids ?? (await ctx.catalog.listDue(ctx.clock.now(), MOST));
  const result = await sample(ctx, due, signal).catch((error: unknown) => {
    if (!signal?.aborted) ctx.observe({ kind: 'sample-failed' });
    throw error;
  });
  ctx.observe({ kind: 'sampled', instances: result.measured.length });
  if (ids === null) await ctx.catalog.noteRun('sample', ctx.clock.now());
  return result;
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
  const instances = await ctx.catalog.getMany(ids);
  const targets = instances.map(({ record }) => targetOf(record));
  const measurements = await measureInstances(ctx.pool, targets, {
    clock: ctx.clock,
    ...(signal ? { signal } : {}),
  });
  return keepMeasurements(ctx, instances, measurements);
}
