import { instanceIdOf } from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import pMap from 'p-map';
import { resultsOf } from '../collector/results.ts';
import type { ServedContext } from '../context.ts';
import { isUnaudited } from '../runtime/refused.ts';
import { catalogInventory } from './inventory.ts';
import {
  type End,
  intentOf,
  type Kept,
  outcomesOf,
  type Removal,
  sortOut,
  type TakenOut,
  type Wanted,
} from './removal.ts';
import { attempt, type DeletionContext, lookUp, newOwner } from './remove.ts';

const LANES = 8;

/**
 * Takes out what came up of a request that has not ended well. It needs no new space: it does without notes, and an audit log
 * that a full disk keeps from being written gets its lines when there is room again (`late`: write them once something was
 * deleted). Those that are ready are not the request's to undo any more.
 */
export async function undoRequest(
  served: ServedContext,
  { count, reason, request }: PrunePayload & { cause: 'undo' },
  signal?: AbortSignal,
): Promise<TakenOut & { readonly writeLate: () => Promise<void> }> {
  const inventory = catalogInventory(served);
  const ctx: DeletionContext = { ...served, inventory, results: resultsOf(served) };
  const { removals, skipped } = await listUndone(served, { count, reason, request });
  const wanted = await lookUp(ctx, removals);
  const intents = wanted.map(intentOf);
  const isAudited = await appendIfRoom(ctx, intents);
  const owner = newOwner();
  const work = async (item: Wanted): Promise<End> =>
    signal?.aborted ? { left: String(signal.reason) } : attempt(ctx, item, owner);
  const ends = await pMap(wanted, work, { concurrency: LANES });
  const outcomes = outcomesOf(wanted, ends);
  const sorted = sortOut(wanted, ends);
  return {
    ...sorted,
    skipped: [...skipped, ...sorted.skipped],
    writeLate: () => ctx.audit.append(isAudited ? outcomes : [...intents, ...outcomes]),
  };
}

/** Writes the intents before anything is touched; false where the disk has no room even for that. */
async function appendIfRoom(
  { audit, logger }: Pick<DeletionContext, 'audit' | 'logger'>,
  intents: Parameters<DeletionContext['audit']['append']>[0],
): Promise<boolean> {
  try {
    await audit.append(intents, { sync: true });
    return true;
  } catch (error) {
    if (!isUnaudited(error)) throw error;
    logger.warn(
      { err: error },
      'the audit log has no room: what is undone is written there when there is some',
    );
    return false;
  }
}

async function listUndone(
  { catalog, pool }: ServedContext,
  { count, reason, request }: { count: number; reason: string; request: string },
): Promise<{ removals: Removal[]; skipped: Kept[] }> {
  const ids = Array.from({ length: count }, (_, index) => instanceIdOf(pool.name, request, index));
  const known = new Map((await catalog.getMany(ids)).map((instance) => [instance.record.id, instance]));
  const isReady = (id: string) => known.get(id)?.state === 'ready';
  return {
    removals: ids
      .filter((id) => !isReady(id))
      .map((id) => ({ id, rule: 'undo', reason, request, undo: true })),
    skipped: ids.filter(isReady).map((id) => ({ id, reason: `request ${request} has not failed` })),
  };
}
