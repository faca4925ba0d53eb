import { writeRecord } from '@spica/pool';
import type { ServedContext } from '../context.ts';

const BATCH = 200;

/**
 * Brings to the disk what changed in the catalog: records of instances that were leased, pinned or the like, and in the
 * audit log what operators forced. Call it when something changed, and at times in case that was missed.
 */
export async function mirrorChanges(ctx: ServedContext): Promise<void> {
  for (;;) {
    const ids = await ctx.catalog.takeDirty(BATCH);
    for (const id of ids) {
      const instance = await ctx.catalog.get(id);
      if (instance) await writeRecord(ctx.pool, instance.record);
    }
    const notes = await ctx.catalog.takeNotes(BATCH);
    if (notes.length > 0) await ctx.audit.append(notes, { sync: true });
    if (ids.length < BATCH && notes.length < BATCH) return;
  }
}
