import { type InstanceRecord, ownBytes } from '@spica/core';
import { checkMarker, measureInstances, writeRecord } from '@spica/pool';
import { parsePayload, type SampleResult, samplePayloadSchema, toJobError } from '@spica/queues';
import type { Job } from 'bullmq';
import type { ServedContext } from '../context.ts';

/** How many instances are measured between two writes to the catalog. */
const BATCH = 20;

/**
 * The sample queue's processor: measures the instances asked for, or those whose last sample is older than
 * `sample.max_age`. What vanishes while it is measured is no error.
 */
export function createSampler(ctx: ServedContext) {
  return async (job: Job, _token?: string, signal?: AbortSignal): Promise<SampleResult> => {
    try {
      const { ids } = parsePayload(samplePayloadSchema, job.data, `sample job ${job.id}`);
      await checkMarker(ctx.pool);
      return await sample(ctx, ids ?? (await findDue(ctx)), signal);
    } catch (error) {
      throw toJobError(error);
    }
  };
}

async function findDue(ctx: ServedContext): Promise<string[]> {
  const before = ctx.clock.now() - ctx.config.sample.maxAgeMs;
  const due: string[] = [];
  for await (const { record, state } of ctx.catalog.list()) {
    if (state !== 'deleting' && (record.sample?.at ?? 0) <= before) due.push(record.id);
  }
  return due;
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
    const samples = await measureInstances(ctx.pool, batch, ctx);
    for (const id of batch) {
      const record = (await ctx.catalog.get(id))?.record;
      const size = samples.get(id);
      if (record && size && (await keep(ctx, { ...record, sample: size }))) measured.push(id);
      else vanished.push(id);
    }
  }
  if (measured.length > 0) ctx.logger.info({ measured: measured.length }, 'instances measured');
  return { measured, vanished };
}

/** The catalog first: it knows whether the instance is still there. Then the record on disk. */
async function keep(ctx: ServedContext, record: InstanceRecord): Promise<boolean> {
  const { id, template, sample } = record;
  if (!sample) return false;
  if (!(await ctx.catalog.recordSample(id, template, sample, ownBytes(record) ?? 0))) return false;
  await writeRecord(ctx.pool, record);
  return true;
}
