import type { BeginDelete } from '@spica/catalog';
import { type InstanceRecord, ownBytes, SpicaError } from '@spica/core';
import {
  type AuditEntry,
  deleteRecord,
  emptyTrash,
  measureInstances,
  type TrashEntry,
  trashInstance,
} from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { recordFinished, refreshProfiles } from '../sampler/final.ts';
import { sampleAfter } from '../sampler/sample.ts';
import { targetOf } from '../sampler/target.ts';
import { lookForUse } from './protection.ts';

/** One deletion: what goes, and why. */
export interface Removal {
  readonly id: string;
  readonly reason: string;
  /** The request on whose behalf; only it may remove its own instances in flight. */
  readonly request: string | null;
  /** It is the request's own, which failed: nobody uses it, whatever its lease says. */
  readonly undo: boolean;
}

export interface Removed {
  readonly removal: Removal;
  readonly trash: TrashEntry;
  readonly bytes: number | null;
}

export interface Kept {
  readonly id: string;
  readonly reason: string;
}

/** What became of a batch: out of sight, kept because something protects it, or failed. */
export interface TakenOut {
  readonly taken: readonly Removed[];
  readonly skipped: readonly Kept[];
  readonly failed: readonly Kept[];
}

interface Wanted {
  readonly removal: Removal;
  /** With what it has become, where that was measured now. */
  readonly record: InstanceRecord | null;
  readonly bytes: number | null;
}

/**
 * Takes instances out of sight: the intents in the audit log (synced) → for each: the catalog says "deleting" → rename
 * into the trash, which frees its slot. What is protected meanwhile, or gone already, is skipped with the reason. Throws
 * CheckError AUDIT_UNWRITABLE when the audit log cannot be written; nothing has been touched then.
 */
export async function takeOut(
  ctx: ServedContext,
  removals: readonly Removal[],
  signal?: AbortSignal,
): Promise<TakenOut> {
  const result = { taken: [] as Removed[], skipped: [] as Kept[], failed: [] as Kept[] };
  if (removals.length === 0) return result;
  const wanted = await lookUp(ctx, removals);
  await ctx.audit.append(
    wanted.map(({ removal, bytes }) => ({ ...entryOf(removal), bytes, outcome: 'intent' })),
    { sync: true },
  );
  const used = await lookForUse(
    ctx,
    removals.filter(({ undo }) => !undo),
  );
  const outcomes: AuditEntry[] = [];
  for (const item of wanted) {
    const { removal } = item;
    const { id } = removal;
    const keep = (list: Kept[], reason: string, outcome: string) => {
      list.push({ id, reason });
      outcomes.push({ ...entryOf(removal), bytes: 0, outcome: `${outcome}: ${reason}` });
    };
    try {
      signal?.throwIfAborted();
      const skipped = used.get(id)?.reason ?? (await takeOne(ctx, item, result.taken));
      if (skipped) keep(result.skipped, skipped, 'skipped');
      else outcomes.push({ ...entryOf(removal), bytes: item.bytes, outcome: 'trashed' });
    } catch (error) {
      keep(result.failed, messageOf(error), 'failed');
      ctx.logger.error(
        { err: error, instance: id, request: removal.request },
        'instance could not be deleted',
      );
    }
  }
  await ctx.audit.append(outcomes);
  await learnFrom(ctx, wanted, result.taken);
  return result;
}

function entryOf({ id, reason, request }: Removal) {
  return { action: 'delete_instance', request, instance: id, reason };
}

/**
 * Their records, and sizes. Those that were never measured, or had just become another size when they were, are measured
 * now: what they have become is what their template's profile learns.
 */
async function lookUp(ctx: ServedContext, removals: readonly Removal[]): Promise<Wanted[]> {
  const found = await Promise.all(removals.map(({ id }) => ctx.catalog.get(id)));
  const records = found.map((instance) => instance?.record ?? null);
  const unsure = records.flatMap((record) => (record && !isSettled(record) ? [targetOf(record)] : []));
  const samples = await measureInstances(ctx.pool, unsure, ctx);
  return removals.map((removal, i) => {
    const measured = samples.get(removal.id);
    const last = records[i] ?? null;
    const record = last && measured ? { ...last, sample: sampleAfter(last.sample, measured) } : last;
    return { removal, record, bytes: record && ownBytes(record) };
  });
}

/** Measured, and found to be of the size that it had before. */
function isSettled({ sample }: InstanceRecord): boolean {
  return sample !== null && sample.changedAt < sample.at;
}

/** Resolves with why it was skipped, or null once it is in the trash. */
async function takeOne(
  ctx: ServedContext,
  { removal, record, bytes }: Wanted,
  taken: Removed[],
): Promise<string | null> {
  const { id, undo, request, reason } = removal;
  const now = ctx.clockGuard.now();
  const begun = await ctx.catalog.beginDelete(id, { now, ...(undo && request ? { request } : {}) });
  const skipped = sayProtected(begun);
  if (skipped && !(undo && begun.outcome === 'absent')) return skipped;
  try {
    const trash = await trashInstance(ctx.pool, id, { at: now, reason, request, bytes, record });
    await ctx.catalog.endDelete(id, 'gone');
    await deleteRecord(ctx.pool, id);
    if (trash === null) return 'it is gone already';
    taken.push({ removal, trash, bytes });
    return null;
  } catch (error) {
    await ctx.catalog.endDelete(id, 'kept');
    throw error;
  }
}

/** What is gone has become what it was to become: its template's profile learns from it. */
async function learnFrom(
  ctx: ServedContext,
  wanted: readonly Wanted[],
  taken: readonly Removed[],
): Promise<void> {
  const gone = new Set(taken.filter(({ removal }) => !removal.undo).map(({ removal }) => removal.id));
  const changed: string[] = [];
  for (const { removal, record } of wanted) {
    if (record && gone.has(removal.id)) changed.push(...(await recordFinished(ctx.catalog, record)));
  }
  await refreshProfiles(ctx.catalog, changed);
}

/** Why a deletion may not begin; null where it may. */
function sayProtected(begun: BeginDelete): string | null {
  switch (begun.outcome) {
    case 'begun':
    case 'deleting':
      return null;
    case 'absent':
      return 'it is gone already';
    case 'in-flight':
      return `request ${begun.request} has not ended yet`;
    case 'pinned':
      return `pinned by ${begun.pin.by}: ${begun.pin.why}`;
    case 'leased':
      return `leased by ${begun.owner} until ${new Date(begun.expiresAt).toISOString()}`;
    case 'unreconciled':
      return 'the catalog was lost, and the disk has not been reconciled with it yet';
    case 'grace':
      return `the catalog was lost: nothing is deleted before ${new Date(begun.until).toISOString()}, when every lease that was lost has ended`;
  }
}

/**
 * Frees the space of what lies in the trash. Resolves with false when it is not there any more: deleted, or restored.
 * Throws when something is left of it; the next run tries again.
 */
export async function freeSpace(
  ctx: Pick<ServedContext, 'audit' | 'logger'>,
  trash: TrashEntry,
): Promise<boolean> {
  const entry = deletionOf(trash);
  try {
    if (!(await emptyTrash(trash, () => tellDeleted(ctx, trash)))) return false;
  } catch (error) {
    await ctx.audit.append({ ...entry, bytes: 0, outcome: `failed: ${messageOf(error)}` });
    ctx.logger.error(
      { err: error, instance: trash.id },
      'instance is out of sight, but its space is not free',
    );
    throw error;
  }
  return true;
}

type Deleted = Pick<TrashEntry, 'id' | 'note'>;

function deletionOf({ id, note }: Deleted) {
  return {
    action: 'delete_instance',
    request: note?.request ?? null,
    instance: id,
    reason: note?.reason ?? 'left in the trash by an earlier run',
  };
}

/** The end of a deletion, for the record. */
export async function tellDeleted(
  { audit, logger }: Pick<ServedContext, 'audit' | 'logger'>,
  deleted: Deleted,
): Promise<void> {
  const entry = deletionOf(deleted);
  const bytes = deleted.note?.bytes ?? null;
  await audit.append({ ...entry, bytes, outcome: 'deleted' });
  logger.info(
    { instance: deleted.id, request: entry.request, bytes, reason: entry.reason },
    'instance deleted',
  );
}

export function messageOf(error: unknown): string {
  return error instanceof SpicaError ? `${error.code}: ${error.message}` : String(error);
}
