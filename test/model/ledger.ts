import type { Size } from '@spica/core';
import { expect } from 'vitest';
import { countedAs } from '../../packages/workers/src/gate/load.ts';
import type { World } from './world.ts';

const NOTHING: Size = { bytes: 0, inodes: 0 };

function plus(a: Size, b: Size, times = 1): Size {
  return { bytes: a.bytes + times * b.bytes, inodes: a.inodes + times * b.inodes };
}

/** The ledger's sums, kept as things change, are what one gets who adds up the catalog and the requests that are open. */
export async function expectLedger(world: World): Promise<void> {
  const { ledger } = world.ctx.gate;
  const now = world.ctx.clockGuard.now();
  const { reserved, growth, instances } = ledger.sums(now);
  const listed = await Array.fromAsync(world.ctx.catalog.list());
  const records = listed.map(({ record }) => record);
  const ids = records.map(({ id }) => id);
  const ownBytes = records.reduce((sum, record) => sum + countedAs(world.ctx, record).ownBytes, 0);
  const found = { reserved, instances, ownBytes: ledger.ownBytes };
  expect(found).toEqual({ reserved: reservedFor(world, ids), instances: ids.length, ownBytes });
  const { least, most } = growthBounds(world, records, now);
  for (const of of ['bytes', 'inodes'] as const) {
    expect(growth[of], `expected growth, ${of}`).toBeGreaterThanOrEqual(least[of]);
    expect(growth[of], `expected growth, ${of}`).toBeLessThanOrEqual(most[of]);
  }
  expect(ledger.filesystem.cloning.size).toEqual(NOTHING);
  world.judgedBefore = Math.max(world.judgedBefore, now);
}

/** What is reserved for the requests that are open: for each of their instances that is not there. */
function reservedFor(world: World, listed: readonly string[]): Size & { readonly slots: number } {
  let [sum, slots] = [NOTHING, 0];
  for (const { id: request, ids, each, isCollected } of world.openRequests()) {
    const missing = ids.filter((id) => !listed.includes(id)).length;
    // Of one whose instances were ready before the worker was killed, some may have been pruned since.
    const held = world.ctx.gate.ledger.reservation(request)?.slots ?? 0;
    const needed = isCollected ? Math.min(missing, held) : missing;
    sum = plus(sum, each, needed);
    slots += needed;
  }
  return { ...sum, slots };
}

/** What growth may come to: of what had ended when a clock was set back, nobody can tell whether it goes on. */
function growthBounds(
  { ctx, judgedBefore }: World,
  records: readonly Parameters<typeof countedAs>[1][],
  now: number,
): { least: Size; most: Size } {
  let [least, most] = [NOTHING, NOTHING];
  for (const record of records) {
    const { growth } = countedAs(ctx, record);
    const counted = ctx.gate.ledger.instance(record.id)?.growth ?? growth;
    const [first = 0, last = 0] = [growth.endsAt, counted.endsAt].sort((a, b) => a - b);
    if (first > Math.max(now, judgedBefore)) least = plus(least, growth);
    if (last > now) most = plus(most, growth.endsAt > now ? growth : counted);
  }
  return { least, most };
}
