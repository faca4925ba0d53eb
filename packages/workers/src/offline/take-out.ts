import { ownBytes } from '@spica/core';
import {
  type Audit,
  type AuditEntry,
  deleteRecord,
  measureInstances,
  type TrashEntry,
  trashInstance,
} from '@spica/pool';
import type { ClockGuard } from '../clock/guard.ts';
import { lookForUse } from '../pruner/protection.ts';
import { type Kept, messageOf } from '../pruner/remove.ts';
import { targetOf } from '../sampler/target.ts';
import { type OfflineContext, protectionNow } from './plan.ts';

/** What became of a batch. */
export interface OfflineTaken {
  readonly taken: readonly { readonly id: string; readonly reason: string; readonly trash: TrashEntry }[];
  readonly skipped: readonly Kept[];
  readonly failed: readonly Kept[];
}

/**
 * Takes instances out of sight as the pruner does it, with their records for what the catalog is asked there: intents in
 * the audit log, synced → what protects each is looked at again → rename into the trash. The catalog buries them at the
 * next reconcile. Throws CheckError AUDIT_UNWRITABLE; nothing has been touched then.
 */
export async function takeOutOffline(
  ctx: OfflineContext & { readonly audit: Audit; readonly clockGuard: ClockGuard },
  wanted: readonly Kept[],
): Promise<OfflineTaken> {
  const result = {
    taken: [] as OfflineTaken['taken'][number][],
    skipped: [] as Kept[],
    failed: [] as Kept[],
  };
  if (wanted.length === 0) return result;
  await ctx.audit.append(
    wanted.map((item) => ({ ...entryOf(item), outcome: 'intent' })),
    { sync: true },
  );
  const used = await lookForUse(ctx, wanted);
  const outcomes: AuditEntry[] = [];
  for (const item of wanted) {
    const { id, reason } = item;
    try {
      const taken = used.get(id)?.reason ?? (await takeOne(ctx, item));
      if (typeof taken === 'string') {
        result.skipped.push({ id, reason: taken });
        outcomes.push({ ...entryOf(item), bytes: 0, outcome: `skipped: ${taken}` });
      } else {
        result.taken.push({ id, reason, trash: taken });
        outcomes.push({ ...entryOf(item), bytes: taken.note?.bytes ?? null, outcome: 'trashed' });
      }
    } catch (error) {
      result.failed.push({ id, reason: messageOf(error) });
      outcomes.push({ ...entryOf(item), bytes: 0, outcome: `failed: ${messageOf(error)}` });
      ctx.logger.error({ err: error, instance: id }, 'instance could not be deleted');
    }
  }
  await ctx.audit.append(outcomes, { sync: true });
  return result;
}

function entryOf({ id, reason }: Kept) {
  return { action: 'delete_instance', instance: id, reason, offline: true };
}

/** Resolves with the trash that it became, or with why it was skipped. */
async function takeOne(
  ctx: OfflineContext & { readonly clockGuard: ClockGuard },
  { id, reason }: Kept,
): Promise<TrashEntry | string> {
  const found = await protectionNow(ctx, id, ctx.clockGuard);
  if ('kept' in found) return found.kept;
  const { record } = found.instance;
  const bytes =
    ownBytes(record) ?? (await measureInstances(ctx.pool, [targetOf(record)], ctx)).get(id)?.ownBytes;
  // Not by a clock that is not trusted: the time would be taken for a trace of work by the next run.
  const note = { at: ctx.clockGuard.now(), reason, request: null, bytes: bytes ?? null, record };
  const trash = await trashInstance(ctx.pool, id, note);
  await deleteRecord(ctx.pool, id);
  return trash ?? 'it is gone already';
}
