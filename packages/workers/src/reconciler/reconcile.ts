import { type InstanceRecord, isoTime } from '@spica/core';
import {
  cleanStaging,
  deleteRecord,
  listTrash,
  lockFileUntil,
  sweepRecordDrafts,
  sweepTrash,
  type TrashEntry,
  writeRecord,
} from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { writeKnownRecord } from '../known-record.ts';
import { tellDeleted } from '../pruner/free.ts';
import { recordFinished, refreshProfiles } from '../sampler/final.ts';
import { growthAfter } from '../sampler/growth.ts';
import { compare, type Drift } from './compare.ts';

/** Nothing is deleted for at least this long after the catalog was lost. */
const LEAST_GRACE_MS = 3_600_000;

export interface Reconciled extends Drift {
  readonly graceUntil: number;
}

/**
 * Brings the catalog into line with the disk, and tells each change in the audit log: takes in what is on disk, buries
 * what is not, ends what requests left behind. After Redis was lost it sets the time before which nothing is deleted.
 * `starting`: no worker runs yet, so that half clones, begun deletions and drafts can only be leftovers.
 */
export async function reconcile(
  ctx: ServedContext,
  { starting }: { starting: boolean },
): Promise<Reconciled> {
  const drift = await compare(ctx);
  if (starting) {
    await cleanStaging(ctx.pool);
    await sweepRecordDrafts(ctx.pool);
    await sweepNotes(ctx);
  }
  for (const halted of drift.halted) await mendHalted(ctx, halted, starting);
  for (const adoptable of drift.adoptable) await adopt(ctx, adoptable);
  await endVanished(ctx, drift);
  for (const { id } of drift.outdatedRecords) await writeKnownRecord(ctx, id);
  for (const id of drift.staleRecords) await deleteRecord(ctx.pool, id);
  await endOrphans(ctx, drift);
  const graceUntil = await graceOf(ctx, drift);
  await ctx.catalog.markReconciled({ at: ctx.clock.now(), graceUntil });
  for (const { name, reason } of drift.brokenRecords) {
    ctx.logger.warn({ record: name, reason }, 'broken record and its instance left alone');
  }
  return { ...drift, graceUntil };
}

/**
 * What others delete meanwhile (`spica prune --offline`) has a note before it is in the trash. So the sweep is left to
 * the next start when the claim to delete cannot be had: notes harm nobody.
 */
async function sweepNotes(ctx: ServedContext): Promise<void> {
  try {
    await ctx.withDeletionClaim(() => sweepTrash(ctx.pool, (gone) => tellDeleted(ctx, gone)));
  } catch (error) {
    ctx.logger.warn({ err: error }, 'notes of what is gone from the trash stay until the next start');
  }
}

/** A deletion that was cut off, or whose end Redis did not take. While workers run, one that is on disk may be under way. */
async function mendHalted(
  ctx: ServedContext,
  { id, onDisk }: Drift['halted'][number],
  starting: boolean,
): Promise<void> {
  if (!starting && (onDisk || (await ctx.catalog.get(id))?.state !== 'deleting')) return;
  await ctx.catalog.endDelete(id, onDisk ? 'kept' : 'gone');
  const outcome = onDisk ? 'whole: it is listed again' : 'in the trash, or gone';
  await ctx.audit.append({
    action: 'mend_deletion',
    instance: id,
    reason: 'a deletion was cut off',
    outcome,
  });
}

async function adopt(
  ctx: ServedContext,
  { record, fromManifest, flag }: Drift['adoptable'][number],
): Promise<void> {
  if (!(await ctx.catalog.adopt(record, growthAfter(ctx, record)))) return;
  if (fromManifest) await writeRecord(ctx.pool, record);
  const from = fromManifest ? 'its manifest' : 'its record on disk';
  await ctx.audit.append({
    action: 'adopt_instance',
    instance: record.id,
    reason:
      flag === null
        ? `on disk, but not in the catalog; taken in from ${from}`
        : `taken in from ${from}; ${flag}`,
    outcome: flag === null ? 'adopted' : 'adopted, flagged',
  });
  if (flag !== null) ctx.logger.warn({ instance: record.id, flag }, 'adopted instance is flagged');
}

/** What was deleted without Redis lies in the trash, and is no riddle; the rest is buried. */
async function endVanished(ctx: ServedContext, { vanished }: Drift): Promise<void> {
  if (vanished.length === 0) return;
  const trashed = new Map((await listTrash(ctx.pool)).map((entry) => [entry.id, entry]));
  const finished: string[] = [];
  for (const record of vanished) {
    const entry = trashed.get(record.id);
    if (!entry) await bury(ctx, record);
    else {
      finished.push(...(await recordFinished(ctx.catalog, record)));
      await followDeletion(ctx, record, entry);
    }
  }
  await refreshProfiles(ctx.catalog, finished);
}

async function followDeletion(
  ctx: ServedContext,
  { id }: InstanceRecord,
  { note }: TrashEntry,
): Promise<void> {
  await ctx.catalog.endDelete(id, 'gone');
  await deleteRecord(ctx.pool, id);
  const reason = `in the trash, but still in the catalog; it was deleted for: ${note?.reason ?? 'an unknown reason'}`;
  await ctx.audit.append({ action: 'mend_deletion', instance: id, reason, outcome: 'gone from the catalog' });
}

async function bury(ctx: ServedContext, record: InstanceRecord): Promise<void> {
  const lastSeenAt = record.sample?.at ?? record.spawnedAt;
  await ctx.catalog.bury({ lastSeenAt, record });
  await ctx.catalog.endDelete(record.id, 'gone');
  await deleteRecord(ctx.pool, record.id);
  const seen = lastSeenAt === null ? 'at an unknown time' : isoTime(lastSeenAt);
  const reason = `in the catalog, but not on disk; last seen ${seen}`;
  await ctx.audit.append({ action: 'bury_instance', instance: record.id, reason, outcome: 'vanished' });
  ctx.logger.warn({ instance: record.id, lastSeenAt }, 'an instance vanished from the disk');
}

async function endOrphans(ctx: ServedContext, { orphans }: Drift): Promise<void> {
  for (const { request, state } of orphans.reservations) {
    const ready = await ctx.catalog.settle(request);
    const reason = `its job is ${state === 'unknown' ? 'gone' : state}`;
    await ctx.audit.append({ action: 'give_back_reservation', request, reason, outcome: 'given back' });
    ctx.logger.warn({ request, state, instances: ready }, 'reservation of an ended request given back');
  }
  for (const { request } of orphans.held) await ctx.catalog.release(request);
}

/** When deletions may begin: after every lease that Redis may have lost has ended. */
async function graceOf(ctx: ServedContext, drift: Drift): Promise<number> {
  const before = await ctx.catalog.reconciled();
  if (before) return before.graceUntil;
  if (drift.onDisk === 0) return 0;
  const lockFiles = await Promise.all(
    drift.adoptable.map(({ record }) => lockFileUntil(ctx.pool, record.id)),
  );
  const ends = [drift.lastLeaseEndsAt, ...lockFiles].filter((end) => end !== null);
  await ctx.clockGuard.suspended(); // so that its `now` is today's
  const graceUntil = Math.max(ctx.clockGuard.now() + LEAST_GRACE_MS, ...ends);
  const until = isoTime(graceUntil);
  const reason = `the catalog was empty, and leases may have been lost: nothing is deleted before ${until}`;
  await ctx.audit.append({ action: 'hold_deletions', reason, outcome: 'held' });
  ctx.logger.warn({ until }, 'the catalog was empty: nothing is deleted until every lease has ended');
  return graceUntil;
}
