import type { CatalogInstance } from '@spica/catalog';
import { addSize, dueAfterMs, type InstanceRecord, leaseInForce } from '@spica/core';
import type { Measurement } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { countInstance } from '../gate/load.ts';
import { writeKnownRecord } from '../known-record.ts';
import { hasSteppedBack } from '../runtime/mirrored.ts';
import { recordFinished } from './final.ts';
import { growthAfter } from './growth.ts';
import { checkOversize } from './oversize.ts';
import { sampleAfter } from './sample.ts';

/** An instance, and how its size went. */
export type Sized = Pick<CatalogInstance, 'record' | 'sizes'>;

/**
 * Keeps what instances were measured at: in the catalog, the ledger and their records, and in the profiles of those that
 * have finished; then wakes who waits. `instances` are from before they were measured. Resolves with the ids of those that are still there.
 */
export async function keepMeasurements(
  ctx: ServedContext,
  instances: readonly Sized[],
  measurements: ReadonlyMap<string, Measurement>,
): Promise<Set<string>> {
  const kept = new Set<string>();
  const changed: string[] = [];
  for (const { record, sizes } of instances) {
    const measured = measurements.get(record.id);
    const now = measured && (await keep(ctx, { record, sizes }, measured));
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
  { record: seen, sizes }: Sized,
  measured: Measurement,
): Promise<InstanceRecord | null> {
  const sample = sampleAfter(seen.sample, atCapOfNow(ctx, seen.id, measured));
  const { everyMs, maxAgeMs } = ctx.config.sample;
  const history = [...(seen.sample ? [seen.sample] : []), sample];
  const dueAt = sample.at + dueAfterMs(history, { leastMs: everyMs, mostMs: maxAgeMs });
  const known = await ctx.catalog.recordSample(
    seen.id,
    sample,
    dueAt,
    addSize(sizes, [sample.at, sample.ownBytes]),
  );
  if (!known) return null;
  countInstance(ctx, { record: known });
  const record = (await hasSteppedBack(ctx)) ? null : await writeKnownRecord(ctx, seen.id);
  if (record) await checkOversize(ctx, record);
  return record;
}

/** Its cap may have been raised after it was measured. */
function atCapOfNow({ gate }: ServedContext, id: string, measured: Measurement): Measurement {
  const { capBytes = null } = measured;
  const raised = gate.raised.get(id);
  return raised !== undefined && capBytes !== null && capBytes < raised
    ? { ...measured, capBytes: raised }
    : measured;
}

/** Nothing more is expected of it: its lease has ended, or it has not changed for the growth window. */
function isFinished(ctx: ServedContext, record: InstanceRecord): boolean {
  const now = ctx.clockGuard.now();
  return leaseInForce(record, now) === null && growthAfter(ctx, record).endsAt <= now;
}
