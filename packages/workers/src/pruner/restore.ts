import { CheckError } from '@spica/core';
import { listTrash, readLineage, readManifest, restoreFromTrash, writeRecord } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { countInstance } from '../gate/load.ts';
import { recordFromManifest } from '../reconciler/record.ts';

/**
 * Brings an instance back from the trash, whole, with what the catalog knew of it. A deletion of it that is under way ends
 * before. Throws CheckError NOT_IN_TRASH (its time is over, or it never was there), INSTANCE_EXISTS.
 */
export function restoreInstance(ctx: ServedContext, id: string): Promise<void> {
  return ctx.perInstance.run(id, () => restore(ctx, id));
}

async function restore(ctx: ServedContext, id: string): Promise<void> {
  // The youngest, should one of that id have been deleted more than once.
  const entry = (await listTrash(ctx.pool)).findLast((each) => each.id === id && !each.isDeletionBegun);
  if (!entry) {
    throw new CheckError(
      'NOT_IN_TRASH',
      `instance ${id}: it is not in the trash: it is gone for good, or was never deleted`,
    );
  }
  // The record first: the note goes with the rename, and a crash right after it must not lose a lease or a pin.
  const noted = entry.note?.record ?? null;
  // Whoever had given it up, somebody wants it: it would be the first to go again, with what is unsaved in it.
  const known = noted && { ...noted, discarded: false };
  if (known) await writeRecord(ctx.pool, known);
  // What was deleted is in the trash: whatever still calls it "deleting" was cut off before it could say so.
  if ((await ctx.catalog.get(id))?.state === 'deleting') await ctx.catalog.endDelete(id, 'gone', null);
  await restoreFromTrash(ctx.pool, entry);
  const record = known ?? (await recordOf(ctx, id));
  if (!known) await writeRecord(ctx.pool, record);
  await ctx.catalog.adopt(record);
  countInstance(ctx, { record });
  ctx.publisher.soon();
  await ctx.audit.append({
    action: 'restore_instance',
    instance: id,
    reason: `brought back from the trash, where it was for: ${entry.note?.reason ?? 'an unknown reason'}`,
    bytes: entry.note?.bytes ?? null,
    outcome: 'restored',
  });
}

async function recordOf(ctx: ServedContext, id: string) {
  const [manifest, lineage] = await Promise.all([readManifest(ctx.pool, id), readLineage(ctx.pool, id)]);
  if (!manifest)
    throw new CheckError('MANIFEST_INVALID', `instance ${id}: it was brought back, but has no manifest.json`);
  return recordFromManifest(ctx.pool.name, manifest, lineage);
}
