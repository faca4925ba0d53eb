import type { ServedContext } from '../context.ts';
import { countInstance } from '../gate/load.ts';
import { writeKnownRecord } from '../known-record.ts';
import { CHANGES_APART, hasSteppedBack, writeMirrored } from './mirrored.ts';

const BATCH = 200;

/**
 * Brings to the disk, and into the ledger, what other processes changed in the catalog: records of instances that were
 * leased, pinned or the like, and in the audit log what operators forced. Call it when something changed, and at times in
 * case that was missed; not twice at once. What cannot be written stays to be written, and keeps nothing else from it;
 * rejects then.
 */
export async function mirrorChanges(ctx: ServedContext): Promise<void> {
  const failures: unknown[] = [];
  const keep = (error: unknown) => failures.push(error);
  await mirrorRecords(ctx).catch(keep);
  await mirrorNotes(ctx).catch(keep);
  if (failures.length > 0) throw failures[0];
}

async function mirrorRecords(ctx: ServedContext): Promise<void> {
  const { catalog, gate, pool } = ctx;
  if (await hasSteppedBack(ctx)) return; // the records know more, and the upkeep reconciles
  const changes = await catalog.changes();
  const failed = new Map<string, unknown>();
  let written = 0;
  try {
    let ids: string[];
    do {
      ids = await catalog.takeDirty(BATCH);
      written += ids.length;
      for (const id of ids) await mirrorRecord(ctx, id).catch((error: unknown) => failed.set(id, error));
    } while (ids.length === BATCH);
  } finally {
    await catalog.putBackDirty([...failed.keys()]);
  }
  const [first] = failed.values();
  if (first !== undefined) throw first;
  if (written > 0) ctx.publisher.soon();
  if (changes <= gate.changesSeen) return;
  // Redis first: a disk that says more than it would tell of a step back that was none.
  const raised = changes + CHANGES_APART;
  await catalog.raiseChanges(raised);
  await writeMirrored(pool, raised);
  gate.changesSeen = raised;
}

async function mirrorRecord(ctx: ServedContext, id: string): Promise<void> {
  const record = await writeKnownRecord(ctx, id);
  if (record && ctx.gate.ledger.has(id)) countInstance(ctx, { record });
}

/**
 * A note goes when its line is on the disk: after a crash in between it is written twice, never not at all. One that
 * cannot be read never will be, and is dropped alone.
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
