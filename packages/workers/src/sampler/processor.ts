import { type InstanceRecord, leaseInForce, type Sample } from '@spica/core';
import { checkMarker, type Measurement, measureInstances, writeRecord } from '@spica/pool';
import { parsePayload, type SampleResult, samplePayloadSchema, toJobError } from '@spica/queues';
import type { Job } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { recordFinalSize } from './final.ts';
import { growthAfter } from './growth.ts';
import { targetOf } from './target.ts';

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
    const found = await Promise.all(batch.map((id) => ctx.catalog.get(id)));
    const records = found.flatMap((instance) => (instance ? [instance.record] : []));
    const samples = await measureInstances(ctx.pool, records.map(targetOf), {
      ...ctx,
      ...(signal ? { signal } : {}),
    });
    const kept = new Set<string>();
    for (const record of records) {
      const size = samples.get(record.id);
      if (size && (await keep(ctx, record, size))) kept.add(record.id);
    }
    for (const id of batch) (kept.has(id) ? measured : vanished).push(id);
  }
  if (measured.length > 0) ctx.logger.info({ measured: measured.length }, 'instances measured');
  return { measured, vanished };
}

/** The catalog first: it knows whether the instance is still there. Then the record on disk. */
async function keep(ctx: ServedContext, before: InstanceRecord, measured: Measurement): Promise<boolean> {
  const sample = { ...measured, changedAt: changedAt(before.sample, measured) };
  const growth = growthAfter(ctx, { ...before, sample });
  if (!(await ctx.catalog.recordSample(before.id, sample, growth))) return false;
  const instance = await ctx.catalog.get(before.id);
  if (!instance) return false;
  await writeRecord(ctx.pool, instance.record);
  const isDone = growth.bytes === 0 && !leaseInForce(instance.record, ctx.clockGuard.now());
  if (isDone) await recordFinalSize(ctx, instance.record);
  return true;
}

/** When an instance was first found to have the size that it has. */
function changedAt(before: Sample | null, { at, ownBytes, inodes }: Measurement): number {
  return before && before.ownBytes === ownBytes && before.inodes === inodes ? before.changedAt : at;
}
