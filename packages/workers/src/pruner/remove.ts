import { randomBytes } from 'node:crypto';
import type { BeginDelete } from '@spica/catalog';
import { isoTime, keptWhileBlind, ownBytes, usedUntil } from '@spica/core';
import {
  type AuditEntry,
  deleteRecord,
  describeUse,
  findWorkingIn,
  outOf,
  type TrashEntry,
  trashInstance,
} from '@spica/pool';
import pMap from 'p-map';
import type { Results } from '../collector/results.ts';
import type { ServedContext } from '../context.ts';
import { describeGrace } from './grace.ts';
import type { Inventory } from './inventory.ts';
import { failureText } from './message.ts';
import { policyInForce } from './policy.ts';
import { findUses, sayLocked } from './protection.ts';
import {
  type End,
  intentOf,
  outcomesOf,
  type Removal,
  sortOut,
  type TakenOut,
  type Wanted,
} from './removal.ts';
import { noteUndeletable } from './undeletable.ts';
import { sayUnsaved } from './unsaved.ts';

/** What a deletion works on, online and offline. */
export type DeletionContext = Pick<
  ServedContext,
  'pool' | 'policy' | 'clockGuard' | 'logger' | 'audit' | 'perInstance'
> & { readonly inventory: Inventory; readonly results: Results };

/** So many go at once: while one waits for the disk, others wait for Redis, and several share the last look for who works in them. */
const LANES = 32;

/**
 * Takes instances out of sight: the intents in the audit log (synced) → for each: a mark that it is being deleted → a last
 * look whether it holds unsaved work, whether its results are collected as they are now (else the mark is taken back, and
 * they are collected first), and whether it is in use → rename into the trash, which frees its slot → the outcomes in the
 * audit log. What is protected meanwhile, or gone already, is skipped with the reason. Throws CheckError AUDIT_UNWRITABLE
 * when the audit log cannot be written; nothing has been touched then.
 */
export async function takeOut(
  ctx: DeletionContext,
  removals: readonly Removal[],
  signal?: AbortSignal,
): Promise<TakenOut> {
  if (removals.length === 0) return NOTHING_TAKEN;
  const wanted = await lookUp(ctx, removals);
  const [{ verdicts, unseen }] = await Promise.all([
    findUses(ctx, removals),
    ctx.audit.append(wanted.map(intentOf), { sync: true }),
  ]);
  const owner = newOwner();
  const work = async (item: Wanted): Promise<End> => {
    if (signal?.aborted) return { left: String(signal.reason) };
    const inUse = verdicts.get(item.removal.id)?.reason ?? mayBeUsedUnseen(ctx, item);
    return inUse === undefined ? attempt(ctx, item, owner) : { skipped: inUse };
  };
  const ends = await pMap(wanted, work, { concurrency: LANES });
  const outcomes = outcomesOf(wanted, ends);
  await ctx.audit.append(outcomes);
  await remember(ctx, outcomes);
  return { ...sortOut(wanted, ends), unseen };
}

/** Whoever asks, and whatever was planned: why it stays where nobody can see who uses it. */
function mayBeUsedUnseen({ policy, clockGuard }: DeletionContext, { record }: Wanted): string | undefined {
  if (record === null) return undefined;
  const terms = { policy: policyInForce(policy), leaseNow: clockGuard.now() };
  const { discarded, ttlMs } = record;
  return keptWhileBlind({ usedUntil: usedUntil(record), discarded, ttlMs }, terms)?.reason;
}

/** They are gone, whether or not that is known to whoever asks for them. */
async function remember(
  { inventory, clockGuard, pool, logger }: DeletionContext,
  outcomes: readonly AuditEntry[],
): Promise<void> {
  const timestamp = isoTime(clockGuard.now());
  const gone = outcomes
    .filter(({ outcome }) => outcome === 'trashed')
    .map(({ action, request = null, instance, reason = null, bytes = null, outcome }) => {
      return {
        timestamp,
        action,
        pool: pool.name,
        request,
        instance: instance ?? '',
        reason,
        bytes,
        outcome,
      };
    });
  try {
    await inventory.remember(gone);
  } catch (error) {
    logger.debug({ err: error }, 'why instances went could not be remembered');
  }
}

const NOTHING_TAKEN: TakenOut = {
  taken: [],
  skipped: [],
  failed: [],
  failsAgain: false,
  unseen: null,
  isCutOff: false,
};

/** The name of a run's marks: whoever finds another's mark on an instance leaves it alone. */
export function newOwner(): string {
  return randomBytes(8).toString('hex');
}

export async function lookUp(
  { inventory }: Pick<DeletionContext, 'inventory'>,
  removals: readonly Removal[],
): Promise<Wanted[]> {
  const found = await inventory.getMany(removals.map(({ id }) => id));
  const known = new Map(found.map((instance) => [instance.record.id, instance]));
  return removals.map((removal) => {
    const { record = null, failure = null } = known.get(removal.id) ?? {};
    return { removal, record, failure };
  });
}

/** What comes to be while it is collected is collected once more, and then is in use. */
const MOST_COLLECTIONS = 2;
const CHANGES = 'its results change while they are collected';
/** Its results are to be collected first. */
const UNCOLLECTED = Symbol('uncollected');

/** Takes one out, with its results collected first; its failure is its own. */
export async function attempt(ctx: DeletionContext, wanted: Wanted, owner: string): Promise<End> {
  const { id, request } = wanted.removal;
  try {
    for (let item: Wanted | undefined = wanted, tries = 0; item; tries += 1) {
      const now: Wanted = item;
      const end = await ctx.perInstance.run(id, () => takeOne(ctx, now, owner));
      if (end !== UNCOLLECTED) return end;
      const stays = tries < MOST_COLLECTIONS ? await ctx.results.collect(id) : CHANGES;
      if (stays !== null) return { skipped: stays };
      [item] = await lookUp(ctx, [wanted.removal]);
    }
    throw new TypeError(`instance ${id} was not looked up`);
  } catch (error) {
    ctx.logger.error({ err: error, instance: id, request }, 'instance could not be deleted');
    return { failed: failureText(error), isNoted: await noteUndeletable(ctx, wanted, error) };
  }
}

async function takeOne(
  ctx: DeletionContext,
  { removal, record }: Wanted,
  owner: string,
): Promise<End | typeof UNCOLLECTED> {
  const { inventory, pool } = ctx;
  const { id, undo, request, reason } = removal;
  const begun = await inventory.begin(id, { owner, undoOf: undo ? request : null });
  const isUnlisted = undo && begun.outcome === 'absent';
  const skipped = isUnlisted ? null : sayProtected(begun);
  if (skipped !== null) return { skipped };
  const bytes = record && ownBytes(record);
  const trash = await moveAway().catch(async (error: unknown) => {
    await inventory.end(id, 'kept', owner);
    throw error;
  });
  if (typeof trash === 'string' || trash === UNCOLLECTED) {
    await inventory.end(id, 'kept', owner);
    return trash === UNCOLLECTED ? trash : { skipped: trash };
  }
  // Where this fails, the catalog goes on calling it "deleting", and a reconcile ends that.
  await deleteRecord(pool, id);
  await inventory.end(id, 'gone', owner);
  return trash === null ? { skipped: 'it is gone already' } : { removed: { removal, trash, bytes } };

  /** The trash that it became, null where it is gone, or why it stays after all. */
  async function moveAway(): Promise<TrashEntry | null | string | typeof UNCOLLECTED> {
    const unsaved = undo || record === null ? null : await sayUnsaved(ctx, record);
    if (unsaved) return unsaved.reason;
    if (!undo && record && !(await ctx.results.isCollected(record))) return UNCOLLECTED;
    // The use last: it is quick to see, and whoever begins to use it may begin to change it.
    const used = undo ? null : await usedNow(ctx, id);
    if (used !== null) return used;
    const at = ctx.clockGuard.now();
    const trashed = trashInstance(pool, id, { at, note: { reason, request, bytes, record, failure: null } });
    // What is undone was nobody's yet, and goes without a note where a full disk takes none.
    return trashed.catch((error: unknown) => {
      if (undo && outOf(error) !== null) return trashInstance(pool, id, { at, note: null });
      throw error;
    });
  }
}

/** Who has begun to use it since the batch was looked through: what is cheap to see is looked at for each. */
async function usedNow(ctx: DeletionContext, id: string): Promise<string | null> {
  const locked = await sayLocked(ctx, id);
  if (locked !== null || !ctx.policy.retention.protectLiveProcesses) return locked;
  const use = await findWorkingIn(ctx.pool, id);
  return use && describeUse(use);
}

/** Why a deletion may not begin; null where it may. */
function sayProtected(begun: BeginDelete): string | null {
  switch (begun.outcome) {
    case 'begun':
      return null;
    case 'deleting':
      return 'another run is deleting it';
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
    case 'rolled-back':
      return 'Redis has lost changes that it had acknowledged, and the disk has not been reconciled with it yet';
    case 'grace':
      return describeGrace(begun.until);
  }
}
