import { indexedCandidates } from '@spica/catalog/list';
import { type Candidate, candidateOf, UNSAVED } from '@spica/core';
import type { PoolContext, ServedContext } from '../context.ts';
import { countedGrowth } from '../sampler/growth.ts';
import type { Inventory } from './inventory.ts';

/** The pool's instances as candidates for retention, oldest first, with what protects them now. */
export async function* readCandidates(
  ctx: CandidateContext,
  inventory: Pick<Inventory, 'list' | 'candidates'>,
): AsyncIterable<Candidate> {
  if (inventory.candidates) return yield* await inventory.candidates();
  const leaseNow = ctx.clockGuard.now();
  for await (const instance of inventory.list()) {
    // On its way out: no decision about it is left to make.
    if (instance.state !== 'deleting')
      yield candidateOf(instance, leaseNow, countedGrowth(ctx, instance.record));
  }
}

/**
 * The same, in a process that serves the pool: by its index of lists, of which only what has changed is read, and by what
 * its gate counts that they are still to grow by.
 *
 * @param keepsUnsaved Whether what the last plan found unsaved keeps them. Without, it is for the caller to look at.
 */
export async function servedCandidates(
  { catalog, clockGuard, gate }: Pick<ServedContext, 'catalog' | 'clockGuard' | 'gate'>,
  { keepsUnsaved }: { readonly keepsUnsaved: boolean },
): Promise<IteratorObject<Candidate>> {
  const now = clockGuard.now();
  const found = await indexedCandidates(catalog, now);
  return found.map((candidate) => {
    const { id, protectedBy } = candidate;
    const growth = gate.ledger.growthOf(id, now);
    const isFreed = !keepsUnsaved && protectedBy?.rule === UNSAVED;
    if (growth === null && !isFreed) return candidate;
    return { ...candidate, growth: growth ?? candidate.growth, protectedBy: isFreed ? null : protectedBy };
  });
}

/** All of the pool's instances as candidates, oldest first: what a plan takes that judges each. */
export async function readAll(
  ctx: CandidateContext,
  inventory: Pick<Inventory, 'list' | 'candidates'>,
): Promise<readonly Candidate[]> {
  const atHand = await inventory.candidates?.();
  return atHand ? [...atHand] : Array.fromAsync(readCandidates(ctx, inventory));
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
