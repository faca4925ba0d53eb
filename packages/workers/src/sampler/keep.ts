import { dueAfterMs, type InstanceRecord, leaseInForce } from '@spica/core';
import type { Measurement } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { countInstance } from '../gate/load.ts';
import { writeKnownRecord } from '../known-record.ts';
import { hasSteppedBack } from '../runtime/mirrored.ts';
import { recordFinished } from './final.ts';
import { growthAfter } from './growth.ts';
import { checkOversize } from './oversize.ts';
import { sampleAfter } from './sample.ts';

/**
 * Keeps what instances were measured at: in the catalog, the ledger and their records, and in the profiles of those that
 * have finished; then wakes who waits. `records` are from before they were measured. Resolves with the ids of those that are still there.
 */
export async function keepMeasurements(
  ctx: ServedContext,
  records: readonly InstanceRecord[],
  measurements: ReadonlyMap<string, Measurement>,
): Promise<Set<string>> {
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
