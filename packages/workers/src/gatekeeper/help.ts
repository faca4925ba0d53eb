import { type Decision, type Help, type Holder, leaseInForce, ownBytes, whatWouldHelp } from '@spica/core';
import { listTrash } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { bytesOf } from '../pruner/bytes.ts';
import { inodesOf } from '../pruner/trash.ts';
import { growthAfter } from '../sampler/growth.ts';

/** Whoever is held asks again and again; the catalog is read for all of them once in so long. */
const FRESH_MS = 10_000;
/** Or in so many times as long as reading it takes. */
const SHARE = 20;

interface Read {
  readonly until: number;
  readonly holders: Promise<Holder[]>;
}

const reads = new WeakMap<PoolContext, Read>();

/** What would let a request in that is short of room, and who holds it: pins, leases, promises, trash. */
export async function helpFor(ctx: PoolContext, { shortfall }: Pick<Decision, 'shortfall'>): Promise<Help> {
  const now = ctx.clockGuard.now();
  const [holders, ledger, trash] = await Promise.all([
    readHolders(ctx, now),
    ctx.catalog.ledger(now),
    listTrash(ctx.pool),
  ]);
  const inTrash = { bytes: bytesOf(trash), inodes: inodesOf(trash) };
  return whatWouldHelp({ shortfall, holders, reserved: ledger.reserved, trash: inTrash, now });
}

/** Instances that are pinned or leased: of the others retention takes what it may. */
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
  const holders: Holder[] = [];
  for await (const { record, state } of ctx.catalog.list()) {
    const leaseEndsAt = leaseInForce(record, now)?.expiresAt ?? null;
    if (state === 'deleting' || (record.pin === null && leaseEndsAt === null)) continue;
    const growth = growthAfter(ctx, record);
    const bytes = (ownBytes(record) ?? 0) + growth.bytes;
    const inodes = (record.sample?.inodes ?? 0) + growth.inodes;
    holders.push({ holds: { bytes, inodes }, pinned: record.pin !== null, leaseEndsAt });
  }
  return holders;
}
