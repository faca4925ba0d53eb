import { ownBytes, SpicaError } from '@spica/core';
import { deleteRecord, emptyTrash, measureInstances, trashInstance } from '@spica/pool';
import type { Logger } from 'pino';
import type { ServedContext } from '../context.ts';

/** One deletion: what goes, and why. */
export interface Removal {
  readonly id: string;
  readonly reason: string;
  /** The request on whose behalf; only it may remove its own instances in flight. */
  readonly request: string | null;
  readonly undo: boolean;
}

export type Removed = { readonly removal: Removal; readonly trash: string; readonly bytes: number | null };
export type NotRemoved = { readonly removal: Removal; readonly skipped: string };

/**
 * Takes an instance out of sight: intent in the audit log (synced) → the catalog says "deleting" → rename into the
 * trash, which frees its slot. What is protected meanwhile, or gone already, is skipped with the reason. Throws when
 * the audit log cannot be written (nothing has been touched then) or the rename fails (it is whole, and stays).
 */
export async function takeOut(
  ctx: ServedContext,
  removal: Removal,
  logger: Logger,
): Promise<Removed | NotRemoved> {
  const { id, reason, request } = removal;
  const entry = { action: 'delete_instance', request, instance: id, reason };
  const known = await ctx.catalog.get(id);
  const bytes = await sizeOf(ctx, id, known ? ownBytes(known.record) : null);
  await ctx.audit.append({ ...entry, bytes, outcome: 'intent' }, { sync: true });
  const begun = await ctx.catalog.beginDelete(id, removal.undo && request ? { request } : {});
  if (begun === 'in-flight' || (begun === 'absent' && !removal.undo)) {
    const skipped = begun === 'absent' ? 'it is gone already' : 'its request has not ended yet';
    await ctx.audit.append({ ...entry, bytes: 0, outcome: `skipped: ${skipped}` });
    return { removal, skipped };
  }
  try {
    const trash = await trashInstance(ctx.pool, id);
    await ctx.catalog.endDelete(id, 'gone');
    await deleteRecord(ctx.pool, id);
    if (trash !== null) return { removal, trash, bytes };
    await ctx.audit.append({ ...entry, bytes: 0, outcome: 'absent' });
    return { removal, skipped: 'it is gone already' };
  } catch (error) {
    await ctx.catalog.endDelete(id, 'kept');
    await ctx.audit.append({ ...entry, bytes: 0, outcome: `failed: ${messageOf(error)}` });
    logger.error({ err: error, instance: id }, 'instance could not be deleted');
    throw error;
  }
}

/** Frees the space of what was taken out. Throws when something is left of it; the next run tries again. */
export async function freeSpace(
  ctx: ServedContext,
  { removal, trash, bytes }: Removed,
  logger: Logger,
): Promise<void> {
  const entry = {
    action: 'delete_instance',
    request: removal.request,
    instance: removal.id,
    reason: removal.reason,
  };
  try {
    await emptyTrash(ctx.pool, trash);
  } catch (error) {
    await ctx.audit.append({ ...entry, bytes: 0, outcome: `failed: ${messageOf(error)}` });
    logger.error({ err: error, instance: removal.id }, 'instance is out of sight, but its space is not free');
    throw error;
  }
  await ctx.audit.append({ ...entry, bytes, outcome: 'deleted' });
  logger.info({ instance: removal.id, bytes, reason: removal.reason }, 'instance deleted');
}

async function sizeOf(ctx: ServedContext, id: string, known: number | null): Promise<number | null> {
  if (known !== null) return known;
  const samples = await measureInstances(ctx.pool, [id], ctx);
  return samples.get(id)?.allocatedBytes ?? null;
}

export function messageOf(error: unknown): string {
  return error instanceof SpicaError ? `${error.code}: ${error.message}` : String(error);
}
