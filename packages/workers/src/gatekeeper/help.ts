import { type Decision, type Help, type Holder, leaseInForce, ownBytes, whatWouldHelp } from '@spica/core';
import { listTrash } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { growthAfter } from '../sampler/growth.ts';

/**
 * What would let a request in that is short of room, and who holds it. Reads the whole catalog: for whoever asks, not for
 * each turn of the gate.
 */
export async function helpFor(ctx: PoolContext, { shortfall }: Pick<Decision, 'shortfall'>): Promise<Help> {
  const now = ctx.clockGuard.now();
  const [holders, ledger, trash] = await Promise.all([
    Array.fromAsync(readHolders(ctx, now)),
    ctx.catalog.ledger(now),
    listTrash(ctx.pool),
  ]);
  const bytes = trash.reduce((sum, { note }) => sum + (note?.bytes ?? 0), 0);
  // How many inodes lie in the trash is not kept: it is not promised either.
  return whatWouldHelp({ shortfall, holders, reserved: ledger.reserved, trash: { bytes, inodes: 0 }, now });
}

async function* readHolders(ctx: PoolContext, now: number): AsyncIterable<Holder> {
  for await (const { record, state } of ctx.catalog.list()) {
    if (state === 'deleting') continue;
    const growth = growthAfter(ctx, record);
    yield {
      holds: {
        bytes: (ownBytes(record) ?? 0) + growth.bytes,
        inodes: (record.sample?.inodes ?? 0) + growth.inodes,
      },
      pinned: record.pin !== null,
      leaseEndsAt: leaseInForce(record, now)?.expiresAt ?? null,
    };
  }
}
