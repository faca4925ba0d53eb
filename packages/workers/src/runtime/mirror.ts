import type { ServedContext } from '../context.ts';
import { writeKnownRecord } from '../known-record.ts';

const BATCH = 200;

/**
 * Brings to the disk what changed in the catalog: records of instances that were leased, pinned or the like, and in the
 * audit log what operators forced. Call it when something changed, and at times in case that was missed. What cannot be
 * written stays to be written; rejects then.
 */
export async function mirrorChanges(ctx: ServedContext): Promise<void> {
  while ((await mirrorRecords(ctx)) || (await mirrorNotes(ctx)));
}

/** Whether there may be more. */
async function mirrorRecords(ctx: ServedContext): Promise<boolean> {
  const { catalog } = ctx;
  const ids = await catalog.takeDirty(BATCH);
  for (const [i, id] of ids.entries()) {
    try {
      await writeKnownRecord(ctx, id);
    } catch (error) {
      await catalog.putBackDirty(ids.slice(i));
      throw error;
    }
  }
  return ids.length === BATCH;
}

async function mirrorNotes({ catalog, audit }: ServedContext): Promise<boolean> {
  const notes = await catalog.takeNotes(BATCH);
  if (notes.length === 0) return false;
  try {
    await audit.append(notes, { sync: true });
  } catch (error) {
    await catalog.putBackNotes(notes);
    throw error;
  }
  return notes.length === BATCH;
}
