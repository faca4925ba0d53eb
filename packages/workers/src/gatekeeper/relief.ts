import {
  type Amount,
  ballastOf,
  type GateFacts,
  type Help,
  type Holder,
  keptUntil,
  PINNED,
  type PlanItem,
  type Shortage,
  whatWouldHelp,
} from '@spica/core';
import { listTrash, type TrashEntry } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { readAll } from '../pruner/candidates.ts';
import { describeGrace } from '../pruner/grace.ts';
import { planningInventory } from '../pruner/inventory.ts';
import { planPrune } from '../pruner/plan.ts';
import { policyInForce } from '../pruner/policy.ts';
import { isVerifying } from '../pruner/space-returning.ts';
import { failureOf } from '../pruner/stuck.ts';
import { bytesOf, inodesOf, trashRelief } from '../pruner/trash.ts';

/** What can be done about a shortage: what goes so that the request fits, or who holds the room. */
export interface Relief {
  /** Of the trash first, then instances; null where all that may be deleted would not let the request in. */
  readonly room: RoomPlan | null;
  /** Null where room can be made. */
  readonly help: Help | null;
  /** The most that deletions could bring, as far as the plan looked. */
  readonly most: Amount;
}

export interface RoomPlan {
  readonly trash: readonly TrashEntry[];
  readonly deletes: readonly PlanItem[];
}

const NOTHING: Amount = { bytes: 0, inodes: 0, slots: 0 };

/** Who is short of room. */
interface Asker {
  /** Of the request. */
  readonly id: string;
  /** The instance that it forks, which is not to go for it. */
  readonly from: string | null;
}

/**
 * Finds what can be done about a shortage. Changes nothing.
 *
 * @param mayReclaim False where a prune for this request has just ended, and another would bring no more.
 */
export async function findRelief(
  ctx: PoolContext,
  request: Asker,
  { shortage, reserved }: { shortage: Shortage; reserved: Amount },
  { mayReclaim }: { mayReclaim: boolean },
): Promise<Relief> {
  const { room, most } = await planRoom(ctx, request, shortage);
  if (room && mayReclaim) return { room, most, help: null };
  const [grace, help] = await Promise.all([readGrace(ctx), findHelp(ctx, shortage.shortfall, reserved)]);
  return { room: null, most, help: grace === null ? help : withGrace(help, grace) };
}

/** The relief as a step takes it. */
export function asFact({ room, help }: Relief): NonNullable<GateFacts['relief']> {
  return { reclaims: room !== null, help: help?.sentence ?? '' };
}

async function planRoom(
  ctx: PoolContext,
  { id: request, from }: Asker,
  { need, shortfall }: Shortage,
): Promise<{ room: RoomPlan | null; most: Amount }> {
  if (!ctx.policy.retention.pruneOnSpawn) return { room: null, most: NOTHING };
  // What the last deletion brings may be on its way, or may never come: for one shortage nothing goes twice.
  if (isVerifying(ctx.pool) && shortfall.bytes > 0) return { room: null, most: NOTHING };
  const { entries: trash, left } = await trashRelief(ctx, shortfall);
  if ((await readGrace(ctx)) !== null) {
    const isEnough = left.bytes + left.inodes + left.slots === 0;
    return { room: trash.length > 0 && isEnough ? { trash, deletes: [] } : null, most: NOTHING };
  }
  const job = { pool: ctx.pool.name, cause: 'request', request, from, need, shortfall: left } as const;
  const { sufficient, deletes, most } = await planPrune(ctx, job);
  const room = sufficient && deletes.length + trash.length > 0 ? { trash, deletes } : null;
  const inTrash = { bytes: bytesOf(trash), inodes: inodesOf(trash) };
  return { room, most: { ...most, bytes: most.bytes + inTrash.bytes, inodes: most.inodes + inTrash.inodes } };
}

/** Until when no instance goes, as Redis has lost the catalog (`beginDelete`): infinity before the disk was compared; null where some may go. */
async function readGrace({ catalog, clockGuard }: PoolContext): Promise<number | null> {
  const reconciled = await catalog.reconciled();
  if (reconciled === null) return Number.POSITIVE_INFINITY;
  return reconciled.graceUntil > clockGuard.now() ? reconciled.graceUntil : null;
}

/** What would help comes after what nobody who holds the room can help; when enough may go cannot be said then. */
function withGrace(help: Help, until: number): Help {
  if (!Number.isFinite(until)) return help;
  const grace = describeGrace(until).replace(/^t/, 'T'); // it begins a sentence of its own
  const sentence = [grace, help.sentence].filter(Boolean).join('; ');
  return { ...help, frees: null, sentence };
}

/** What would let a request in that is short of room, and who holds it: pins, leases, reservations, trash, ballast. */
async function findHelp(ctx: PoolContext, shortfall: Amount, reserved: Amount): Promise<Help> {
  const now = ctx.clockGuard.now();
  const [holders, trash, space] = await Promise.all([
    readHolders(ctx, now),
    listTrash(ctx.pool),
    ctx.gauge.read({ maxAgeMs: 1_000 }),
  ]);
  const sizeOf = (entries: readonly TrashEntry[]) => ({ bytes: bytesOf(entries), inodes: inodesOf(entries) });
  const isStuck = (entry: TrashEntry) => failureOf(ctx, entry) !== null;
  const ballastBytes = ballastOf(ctx.policy.disk, space.totalBytes);
  const inTrash = sizeOf(trash.filter((entry) => !isStuck(entry)));
  const stuck = sizeOf(trash.filter(isStuck));
  const { blind, keepAfterLeaseMs } = policyInForce(ctx.policy);
  const keptBy = blind && blind.keepMs > keepAfterLeaseMs ? 'blind_keep' : 'keep_after_lease';
  return whatWouldHelp({ shortfall, holders, reserved, trash: inTrash, stuck, ballastBytes, keptBy, now });
}

/** Requests that are held ask again and again; all instances are looked through for them once in so long. */
const FRESH_MS = 10_000;
/** Or in so many times as long as reading it takes. */
const SHARE = 20;

interface Read {
  readonly until: number;
  readonly holders: Promise<Holder[]>;
}

const reads = new WeakMap<PoolContext, Read>();

/** Instances that are kept, or still to grow: of the others retention takes what it may. */
function readHolders(ctx: PoolContext, now: number): Promise<Holder[]> {
  const last = reads.get(ctx);
  if (last && performance.now() < last.until) return last.holders;
  const begun = performance.now();
  const holders = collectHolders(ctx, now);
  reads.set(ctx, { until: begun + FRESH_MS, holders });
  holders.then(
    () => reads.set(ctx, { until: begun + Math.max(FRESH_MS, SHARE * (performance.now() - begun)), holders }),
    () => reads.delete(ctx),
  );
  return holders;
}

async function collectHolders(ctx: PoolContext, now: number): Promise<Holder[]> {
  const policy = policyInForce(ctx.policy);
  const holders: Holder[] = [];
  for (const candidate of await readAll(ctx, planningInventory(ctx))) {
    const { id, growth, usedUntil } = candidate;
    const pinned = candidate.protectedBy?.rule === PINNED;
    const leaseEndsAt = usedUntil !== null && usedUntil > now ? usedUntil : null;
    const until = keptUntil(candidate, policy);
    const isFree = !pinned && leaseEndsAt === null && (until ?? now) <= now;
    if (isFree && growth.bytes === 0 && growth.inodes === 0) continue;
    const holds = {
      bytes: (candidate.bytes ?? 0) + growth.bytes,
      inodes: (candidate.inodes ?? 0) + growth.inodes,
    };
    holders.push({ id, holds, growth, pinned, leaseEndsAt, keptUntil: until });
  }
  return holders;
}
