import { dueAfterMs, type InstanceRecord, leaseInForce } from '@spica/core';
import { checkMarker, type Measurement, measureInstances } from '@spica/pool';
import { parsePayload, type SampleResult, samplePayloadSchema, toJobError } from '@spica/queues';
import { DelayedError, type Job } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { countInstance } from '../gate/load.ts';
import { writeKnownRecord } from '../known-record.ts';
import { handBack } from '../runtime/hand-back.ts';
import { hasSteppedBack } from '../runtime/mirrored.ts';
import { recordFinished } from './final.ts';
import { growthAfter } from './growth.ts';
import { checkOversize } from './oversize.ts';
import { sampleAfter } from './sample.ts';
import { targetOf } from './target.ts';

/** How many instances are measured by one process, and between two writes to the catalog. */
const BATCH = 50;
/** Most that one job measures; what is due then waits for the next, longest overdue first. */
const MOST = 5_000;

/**
 * The sample queue's processor: measures the instances asked for, or those that are due. What vanishes while it is
 * measured is no error.
 */
export function createSampler(ctx: ServedContext) {
  return async (job: Job, token?: string, signal?: AbortSignal): Promise<SampleResult> => {
    try {
      const { ids } = parsePayload(samplePayloadSchema, job.data, `sample job ${job.id}`);
      await checkMarker(ctx.pool);
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
  const kept = new Set<string>();
  const changed: string[] = [];
  for (const record of records) {
    const measured = measurements.get(record.id);
    const now = measured && (await keep(ctx, record, measured));
    if (!now) continue;
    kept.add(record.id);
    // By what it was before, too: one that was let go of meanwhile may have grown after it was measured.
    if (isFinished(ctx, { ...record, sample: now.sample }) && isFinished(ctx, now))
      changed.push(...(await recordFinished(ctx.catalog, now)));
  }
  await ctx.profiles.refresh(changed);
  if (kept.size > 0) {
    ctx.publisher.soon();
    await ctx.gate.line.wake(); // what is expected of them is less now: somebody may fit
  }
  return kept;
}

/** The catalog first: it knows whether the instance is still there. Then the record on disk. Null when it is gone. */
async function keep(
  ctx: ServedContext,
  seen: InstanceRecord,
  measured: Measurement,
): Promise<InstanceRecord | null> {
  const sample = sampleAfter(seen.sample, measured);
  const { everyMs, maxAgeMs } = ctx.config.sample;
  const history = [...(seen.sample ? [seen.sample] : []), sample];
  const dueAt = sample.at + dueAfterMs(history, { leastMs: everyMs, mostMs: maxAgeMs });
  const known = await ctx.catalog.recordSample(seen.id, sample, dueAt);
  if (!known) return null;
  countInstance(ctx, { record: known });
  const record = (await hasSteppedBack(ctx)) ? null : await writeKnownRecord(ctx, seen.id);
  if (record) await checkOversize(ctx, record);
  return record;
}

/** Nothing more is expected of it: its lease has ended, or it has not changed for the growth window. */
function isFinished(ctx: ServedContext, record: InstanceRecord): boolean {
  const now = ctx.clockGuard.now();
  return leaseInForce(record, now) === null && growthAfter(ctx, record).endsAt <= now;
}
