import { indexOf } from '@spica/catalog/list';
import { type InstanceRecord, isoTime, usedUntil } from '@spica/core';
import {
  cleanStaging,
  deleteRecord,
  endMarked,
  isThere,
  listTrash,
  markOf,
  sweepRecordDrafts,
  sweepSetUps,
  sweepTrash,
  type TrashEntry,
  writeRecord,
} from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { countInstance } from '../gate/load.ts';
import { writeKnownRecord } from '../known-record.ts';
import { logDeleted } from '../pruner/free.ts';
import { CHANGES_APART, readMirrored } from '../runtime/mirrored.ts';
import { recordFinished } from '../sampler/final.ts';
import { compare, type Drift, isToBeCollected } from './compare.ts';
import { findEnded, giveBack } from './requests.ts';

/**
 * Nothing is deleted for so long after Redis was lost or rolled back. What stands in records protects itself: this is for
 * leases that were granted and not mirrored yet. An operator can end it (`spica reconcile --end-grace`).
 */
const GRACE_MS = 3_600_000;
const DAY_MS = 86_400_000;

export interface Reconciled extends Drift {
  readonly graceUntil: number;
}

/**
 * Brings the catalog into line with the disk, with each change in the audit log: takes in what is on disk, buries what is
 * not, ends what requests left behind. After Redis was lost, or has lost what it had acknowledged, what protects instances
 * comes back from their records, and nothing is deleted for a while.
 * `starting`: no worker runs yet, so that half clones, begun deletions and drafts can only be leftovers.
 */
export function reconcile(ctx: ServedContext, options: { starting: boolean }): Promise<Reconciled> {
  return ctx.reconciles.run(ctx.pool.name, () => reconcileAlone(ctx, options));
}

async function reconcileAlone(ctx: ServedContext, { starting }: { starting: boolean }): Promise<Reconciled> {
  const drift = starting ? await compareAndCount(ctx) : await compare(ctx);
  if (starting) {
    await endMarked(markOf(ctx.pool)); // set-ups that outlived the worker before, also of requests that have ended
    await cleanStaging(ctx.pool);
    await sweepRecordDrafts(ctx.pool);
    await sweepNotes(ctx);
  }
  for (const interrupted of drift.interrupted) await finishDeletion(ctx, interrupted, starting);
  for (const adoptable of drift.adoptable) await adopt(ctx, adoptable);
  await endVanished(ctx, drift);
  for (const record of drift.protections) await protectAgain(ctx, record);
  for (const { id } of drift.outdatedRecords) await writeKnownRecord(ctx, id);
  for (const id of drift.staleRecords) await dropStaleRecord(ctx, id);
  await sweepSetUps(ctx.pool, ctx.clock.now() - DAY_MS);
  await endOrphans(ctx, drift);
  const graceUntil = await graceOf(ctx, drift);
  // The grace first: until the count is raised, a Redis that has stepped back has nothing deleted either.
  await ctx.catalog.markReconciled({ at: ctx.clock.now(), graceUntil });
  await ctx.catalog.raiseChanges((await readMirrored(ctx.pool)) + CHANGES_APART);
  ctx.gate.changesSeen = await ctx.catalog.changes();
  if (drift.lost || drift.rolledBack) await countAgain(ctx);
  for (const { name, reason } of drift.brokenRecords) {
    ctx.logger.warn({ record: name, reason }, 'broken record and its instance left alone');
  }
  return { ...drift, graceUntil };
}

/** Looks at it once more: it may have come up, or been brought back, while all were listed. */
function dropStaleRecord({ catalog, pool, perInstance }: ServedContext, id: string): Promise<void> {
  return perInstance.run(id, async () => {
    if ((await catalog.get(id)) !== null || (await isThere(pool.pathOf(id)))) return;
    await deleteRecord(pool, id);
  });
}

/** Has the gate count each instance that the catalog lists, and the index of lists take it in: so each is read once. */
async function compareAndCount(ctx: ServedContext): Promise<Drift> {
  const filling = await indexOf(ctx.catalog).fill(ctx.catalog);
  const drift = await compare(ctx, (instance) => {
    countInstance(ctx, instance);
    filling.add(instance);
  });
  filling.end();
  return drift;
}

/**
 * What others delete meanwhile (`spica prune --offline`) has a note before it is in the trash. So the sweep is left to
 * the next start when the claim to delete cannot be had: notes harm nobody.
 */
async function sweepNotes(ctx: ServedContext): Promise<void> {
  try {
    await ctx.withDeletionClaim(() => sweepTrash(ctx.pool, (gone) => logDeleted(ctx, gone)));
  } catch (error) {
    ctx.logger.warn({ err: error }, 'notes of what is gone from the trash stay until the next start');
  }
}

/** A deletion that was cut off, or whose end Redis did not take. While workers run, one that is on disk may be under way. */
function finishDeletion(
  ctx: ServedContext,
  { id, onDisk }: Drift['interrupted'][number],
  starting: boolean,
): Promise<void> {
  const { catalog, gate, pool, audit } = ctx;
  return ctx.perInstance.run(id, async () => {
    if (!starting && (onDisk || (await catalog.get(id))?.state !== 'deleting')) return;
    if (!onDisk) {
      gate.ledger.remove(id);
      gate.protected.forget(id);
      await deleteRecord(pool, id);
    }
    await catalog.endDelete(id, onDisk ? 'kept' : 'gone', null);
    const outcome = onDisk ? 'whole: it is listed again' : 'in the trash, or gone';
    const reason = 'a deletion was cut off';
    await audit.append({ action: 'mend_deletion', instance: id, reason, outcome });
  });
}

async function adopt(
  ctx: ServedContext,
  { record, fromManifest, flag }: Drift['adoptable'][number],
): Promise<void> {
  if (!(await ctx.catalog.adopt(record))) return;
  countInstance(ctx, { record });
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

/** What was deleted without Redis lies in the trash; the rest has vanished. */
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
  await ctx.profiles.refresh(finished);
}

async function followDeletion(
  ctx: ServedContext,
  { id }: InstanceRecord,
  { note }: TrashEntry,
): Promise<void> {
  await forget(ctx, id);
  const reason = `in the trash, but still in the catalog; it was deleted for: ${note?.reason ?? 'an unknown reason'}`;
  await ctx.audit.append({ action: 'mend_deletion', instance: id, reason, outcome: 'gone from the catalog' });
}

async function bury(ctx: ServedContext, record: InstanceRecord): Promise<void> {
  const lastSeenAt = record.sample?.at ?? record.spawnedAt;
  await ctx.catalog.bury({ lastSeenAt, record });
  await forget(ctx, record.id);
  const seen = lastSeenAt === null ? 'at an unknown time' : isoTime(lastSeenAt);
  const reason = `in the catalog, but not on disk; last seen ${seen}`;
  await ctx.audit.append({ action: 'bury_instance', instance: record.id, reason, outcome: 'vanished' });
  ctx.logger.warn({ instance: record.id, lastSeenAt }, 'an instance vanished from the disk');
}

async function forget({ catalog, gate, pool }: ServedContext, id: string): Promise<void> {
  await catalog.endDelete(id, 'gone', null);
  gate.ledger.remove(id);
  gate.protected.forget(id);
  await deleteRecord(pool, id);
}

/** A lease, a pin, or what is to be collected, that Redis had acknowledged and has lost, comes back from the record. */
async function protectAgain({ catalog, audit }: ServedContext, record: InstanceRecord): Promise<void> {
  const { id } = record;
  const known = await catalog.get(id);
  if (!known || known.state === 'deleting') return;
  const { lease, pin, releasedAt } = record;
  const before = known.record;
  const isLonger = lease !== null && lease.expiresAt > (before.lease?.expiresAt ?? 0);
  const isLater = releasedAt !== null && releasedAt > (usedUntil(before) ?? 0);
  await catalog.protect(id, {
    lease: isLonger ? lease : null,
    pin: before.pin === null ? pin : null,
    releasedAt: isLater ? releasedAt : null,
  });
  if (isToBeCollected(record, before)) await catalog.mark(id, { collect: record.collect });
  const reason = 'Redis has lost what protects it, which comes back from its record';
  await audit.append({ action: 'protect_instance', instance: id, reason, outcome: 'protected' });
}

/** What Redis says of instances now need not be what they were counted by. */
async function countAgain(ctx: ServedContext): Promise<void> {
  for await (const instance of ctx.catalog.list()) countInstance(ctx, instance);
}

async function endOrphans(ctx: ServedContext, { orphans }: Drift): Promise<void> {
  const { gate } = ctx;
  const held = gate.line.inOrder().map(({ request }) => request);
  await giveBack(ctx, [...orphans, ...(await findEnded(ctx, [...gate.requests.keys(), ...held]))]);
}

/** Before when nothing is deleted, epoch milliseconds. */
async function graceOf(ctx: ServedContext, drift: Drift): Promise<number> {
  const before = (await ctx.catalog.reconciled())?.graceUntil ?? 0;
  if (!drift.rolledBack && (!drift.lost || drift.onDisk === 0)) return before;
  await ctx.clockGuard.suspended(); // so that its `now` is today's
  const graceUntil = Math.max(before, ctx.clockGuard.now() + GRACE_MS);
  const until = isoTime(graceUntil);
  const what = drift.lost ? 'the catalog was empty' : 'Redis was rolled back';
  const reason = `${what}, and leases may have been lost: nothing is deleted before ${until}`;
  await ctx.audit.append({ action: 'hold_deletions', reason, outcome: 'held' });
  ctx.logger.warn({ until }, `${what}: nothing is deleted for a while`);
  return graceUntil;
}
