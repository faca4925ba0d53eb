import { type InstanceRecord, ownBytes } from '@spica/core';
import { type Measurement, measureTrashed, rewriteNote } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { recordFinished } from '../sampler/final.ts';
import { tellOversizeGone } from '../sampler/oversize.ts';
import { sampleAfter } from '../sampler/sample.ts';
import { targetOf } from '../sampler/target.ts';
import type { Removed } from './removal.ts';

/**
 * What is gone has become what it was to become: its template's profile learns from it. Those that were never measured,
 * or had just become another size when they were, are measured in the trash, as are all in an image, where one look tells
 * of all. Their notes there then say what will come back, and the audit log names those that were too large. Resolves with
 * all of them, as far as their sizes are known then.
 */
export async function learnFrom(ctx: ServedContext, taken: readonly Removed[]): Promise<Removed[]> {
  const samples = await measureUnsure(ctx, taken);
  const changed: string[] = [];
  const learnt: Removed[] = [];
  for (const removed of taken) {
    const measured = samples.get(removed.removal.id);
    let known = removed;
    try {
      if (measured) known = await withSize(removed, measured);
      const record = known.trash.note?.record;
      if (record && !known.removal.undo) {
        changed.push(...(await recordFinished(ctx.catalog, record)));
        if (measured) await tellOversizeGone(ctx, record);
      }
    } catch (err) {
      // They are gone, and make room, whether or not that can be written.
      ctx.logger.error({ err, instance: removed.removal.id }, 'how large it was could not be kept');
    }
    learnt.push(known);
  }
  await ctx.profiles.refresh(changed);
  return learnt;
}

async function measureUnsure(
  ctx: ServedContext,
  taken: readonly Removed[],
): Promise<Map<string, Measurement>> {
  const unsure = taken.flatMap(({ trash: { name, note } }) =>
    note?.record && (ctx.image !== null || !isSettled(note.record))
      ? [{ ...targetOf(note.record), name }]
      : [],
  );
  try {
    return await measureTrashed(ctx.pool, unsure, ctx);
  } catch (error) {
    // They are out of sight, and go on their way with the size that was known before.
    ctx.logger.warn({ err: error }, 'what is in the trash could not be measured');
    return new Map();
  }
}

/** Measured, and found to be of the size that it had before. */
function isSettled({ sample }: InstanceRecord): boolean {
  return sample !== null && sample.changedAt < sample.at;
}

async function withSize(removed: Removed, measured: Measurement): Promise<Removed> {
  const { note } = removed.trash;
  if (!note?.record) return removed;
  const record = { ...note.record, sample: sampleAfter(note.record.sample, measured) };
  const bytes = ownBytes(record);
  return { ...removed, bytes, trash: await rewriteNote(removed.trash, { ...note, record, bytes }) };
}
