import { type Candidate, candidateOf } from '@spica/core';
import type { PoolContext } from '../context.ts';
import { countedGrowth } from '../sampler/growth.ts';
import type { Inventory } from './inventory.ts';

/** The pool's instances as candidates for retention, oldest first, with what protects them now. */
export async function* readCandidates(
  ctx: Pick<PoolContext, 'policy' | 'clockGuard' | 'isCharged'>,
  inventory: Pick<Inventory, 'list'>,
): AsyncIterable<Candidate> {
  const leaseNow = ctx.clockGuard.now();
  for await (const instance of inventory.list()) {
    // On its way out: no decision about it is left to make.
    if (instance.state !== 'deleting')
      yield candidateOf(instance, leaseNow, countedGrowth(ctx, instance.record));
  }
}
