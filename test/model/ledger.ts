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
  const { ctx } = world;
  const { ledger } = ctx.gate;
  const now = ctx.clock.now();
  const listed = await Array.fromAsync(ctx.catalog.list());
  let growth = NOTHING;
  let ownBytes = 0;
  for (const { record } of listed) {
    const counted = countedAs(ctx, record);
    ownBytes += counted.ownBytes;
    if (counted.growth.endsAt > now) growth = plus(growth, counted.growth);
  }
  const isListed = new Set(listed.map(({ record }) => record.id));
  let reserved = { ...NOTHING, slots: 0 };
  for (const { ids, each } of world.openRequests()) {
    const slots = ids.filter((id) => !isListed.has(id)).length;
    reserved = { ...plus(reserved, each, slots), slots: reserved.slots + slots };
  }
  const { landed: _, ...sums } = ledger.sums(now);
  expect({ ...sums, ownBytes: ledger.ownBytes }).toEqual({
    reserved,
    growth,
    instances: listed.length,
    ownBytes,
  });
  expect(ledger.filesystem.cloning.size).toEqual(NOTHING);
}
