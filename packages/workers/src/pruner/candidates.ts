import { type Candidate, candidateOf } from '@spica/core';
import type { PoolContext } from '../context.ts';
import { countedGrowth } from '../sampler/growth.ts';
import type { Inventory } from './inventory.ts';

/** The pool's instances as candidates for retention, oldest first, with what protects them now. */
export async function* readCandidates(
  ctx: CandidateContext,
  inventory: Pick<Inventory, 'list'>,
): AsyncIterable<Candidate> {
  const leaseNow = ctx.clockGuard.now();
  for await (const instance of inventory.list()) {
    // On its way out: no decision about it is left to make.
    if (instance.state !== 'deleting')
      yield candidateOf(instance, leaseNow, countedGrowth(ctx, instance.record));
  }
}

/** Those of these instances that there are and that are not on their way out, as candidates, each once. */
export async function readChosen(
  ctx: CandidateContext,
  inventory: Pick<Inventory, 'getMany'>,
  ids: readonly string[],
): Promise<Candidate[]> {
  const leaseNow = ctx.clockGuard.now();
  const found = await inventory.getMany([...new Set(ids)]);
  return found
    .filter(({ state }) => state !== 'deleting')
    .map((instance) => candidateOf(instance, leaseNow, countedGrowth(ctx, instance.record)));
}

type CandidateContext = Pick<PoolContext, 'policy' | 'clockGuard' | 'isCharged'>;
