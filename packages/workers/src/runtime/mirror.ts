import type { ServedContext } from '../context.ts';
import { writeKnownRecord } from '../known-record.ts';

const BATCH = 200;

/**
 * Brings to the disk what changed in the catalog: records of instances that were leased, pinned or the like, and in the
 * audit log what operators forced. Call it when something changed, and at times in case that was missed; not twice at
 * once. What cannot be written stays to be written, and keeps nothing else from it; rejects then.
 */
export async function mirrorChanges(ctx: ServedContext): Promise<void> {
  const failures: unknown[] = [];
  const keep = (error: unknown) => failures.push(error);
  await mirrorRecords(ctx).catch(keep);
  await mirrorNotes(ctx).catch(keep);
  if (failures.length > 0) throw failures[0];
}

async function mirrorRecords(ctx: ServedContext): Promise<void> {
  const { catalog } = ctx;
  const failed = new Map<string, unknown>();
  try {
    let ids: string[];
    do {
      ids = await catalog.takeDirty(BATCH);
      for (const id of ids) {
        await writeKnownRecord(ctx, id).catch((error: unknown) => failed.set(id, error));
      }
    } while (ids.length === BATCH);
  } finally {
    await catalog.putBackDirty([...failed.keys()]);
  }
  const [first] = failed.values();
  if (first !== undefined) throw first;
}

/**
 * A note goes when its line is on the disk: a crash in between has it told twice, never not at all. One that cannot be
 * read never will be, and goes alone.
 */
async function mirrorNotes({ catalog, audit, logger }: ServedContext): Promise<void> {
  for (;;) {
    const found = await catalog.readNotes(BATCH);
    if (found.length === 0) return;
    for (const { problem } of found) {
      if (problem !== null) logger.error({ problem }, 'a note for the audit log is dropped');
    }
    const notes = found.flatMap(({ note }) => note ?? []);
    if (notes.length > 0) await audit.append(notes, { sync: true });
    await catalog.dropNotes(found.length);
  }
}
