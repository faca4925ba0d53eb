import type { BeginDelete } from '@spica/catalog';
import { type InstanceRecord, isoTime, ownBytes, SpicaError } from '@spica/core';
import { type AuditEntry, deleteRecord, type TrashEntry, trashInstance } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { inLanes } from '../lanes.ts';
import { learnFrom } from './learn.ts';
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

/** So many go at once: while one waits for the disk, others wait for Redis. */
const LANES = 8;

/**
 * Takes instances out of sight: the intents in the audit log (synced) → for each: the catalog says "deleting" → rename
 * into the trash, which frees its slot. What is protected meanwhile, or gone already, is skipped with the reason. Who
 * waits for slots is woken before anything is measured. Throws CheckError AUDIT_UNWRITABLE when the audit log cannot be
 * written; nothing has been touched then. Throws the signal's reason when that left some untouched, of which the audit
 * log says so; the others are out of sight then.
 */
export async function takeOut(
  ctx: ServedContext,
  removals: readonly Removal[],
  signal?: AbortSignal,
): Promise<TakenOut> {
  const skipped: Kept[] = [];
  const failed: Kept[] = [];
  const taken: Removed[] = [];
  if (removals.length === 0) return { taken, skipped, failed };
  const wanted = await lookUp(ctx, removals);
  const [used] = await Promise.all([
    lookForUse(
      ctx,
      removals.filter(({ undo }) => !undo),
    ),
    ctx.audit.append(wanted.map(intentOf), { sync: true }),
  ]);
  const ends = await inLanes(wanted, LANES, async (item): Promise<End> => {
    if (signal?.aborted) return { left: String(signal.reason) };
    try {
      const inUse = used.get(item.removal.id)?.reason;
      return inUse === undefined ? await takeOne(ctx, item) : { skipped: inUse };
    } catch (error) {
      const { id, request } = item.removal;
      ctx.logger.error({ err: error, instance: id, request }, 'instance could not be deleted');
      return { failed: messageOf(error) };
    }
  });
  const outcomes: AuditEntry[] = [];
  for (const [i, end] of ends.entries()) {
    const { removal } = wanted[i] as Wanted;
    const { id } = removal;
    if ('removed' in end) taken.push(end.removed);
    else if ('skipped' in end) skipped.push({ id, reason: end.skipped });
    else if ('failed' in end) failed.push({ id, reason: end.failed });
    outcomes.push({ ...entryOf(removal), ...outcomeOf(end) });
  }
  await ctx.audit.append(outcomes);
  if (taken.length > 0) await ctx.waker.wake();
  const learned = await learnFrom(ctx, taken);
  if (ends.some((end) => 'left' in end)) signal?.throwIfAborted();
  return { taken: learned, skipped, failed };
}

interface Wanted {
  readonly removal: Removal;
  readonly record: InstanceRecord | null;
}

/** What became of one. */
type End =
  | { readonly removed: Removed }
  | { readonly skipped: string }
  | { readonly failed: string }
  | { readonly left: string };

function intentOf({ removal, record }: Wanted): AuditEntry {
  return { ...entryOf(removal), bytes: record && ownBytes(record), outcome: 'intent' };
}

function outcomeOf(end: End): Pick<AuditEntry, 'bytes' | 'outcome'> {
  if ('removed' in end) return { bytes: end.removed.bytes, outcome: 'trashed' };
  const [[what, why] = []] = Object.entries(end);
  return { bytes: 0, outcome: `${what}: ${why}` };
}

function entryOf({ id, reason, request }: Removal) {
  return { action: 'delete_instance', request, instance: id, reason };
}

async function lookUp(ctx: ServedContext, removals: readonly Removal[]): Promise<Wanted[]> {
  const found = await ctx.catalog.getMany(removals.map(({ id }) => id));
  const records = new Map(found.map(({ record }) => [record.id, record]));
  return removals.map((removal) => ({ removal, record: records.get(removal.id) ?? null }));
}

async function takeOne(ctx: ServedContext, { removal, record }: Wanted): Promise<End> {
  const { id, undo, request, reason } = removal;
  const now = ctx.clockGuard.now();
  const begun = await ctx.catalog.beginDelete(id, { now, ...(undo && request ? { request } : {}) });
  const skipped = sayProtected(begun);
  if (skipped && !(undo && begun.outcome === 'absent')) return { skipped };
  const bytes = record && ownBytes(record);
  const note = { at: now, reason, request, bytes, record };
  const trash = await trashInstance(ctx.pool, id, note).catch(async (error: unknown) => {
    await ctx.catalog.endDelete(id, 'kept');
    throw error;
  });
  // Where this fails, the catalog goes on calling it "deleting", and a reconcile ends that.
  await Promise.all([ctx.catalog.endDelete(id, 'gone'), deleteRecord(ctx.pool, id)]);
  return trash === null ? { skipped: 'it is gone already' } : { removed: { removal, trash, bytes } };
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
      return `leased by ${begun.owner} until ${isoTime(begun.expiresAt)}`;
    case 'unreconciled':
      return 'the catalog was lost, and the disk has not been reconciled with it yet';
    case 'grace':
      return `the catalog was lost: nothing is deleted before ${isoTime(begun.until)}, when every lease that was lost has ended`;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof SpicaError ? `${error.code}: ${error.message}` : String(error);
}
