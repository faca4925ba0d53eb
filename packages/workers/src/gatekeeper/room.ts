import type { Decision, PlanItem } from '@spica/core';
import type { TrashEntry } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { planPrune } from '../pruner/plan.ts';
import { trashRelief } from '../pruner/trash.ts';

/** What goes so that a request fits that is short: of the trash first, then instances. */
export interface RoomPlan {
  readonly trash: readonly TrashEntry[];
  readonly deletes: readonly PlanItem[];
}

/**
 * The room that retention would make for a request; null where it is not short of room, where the policy makes none for
 * requests, and where all that may be deleted would not let it in. Changes nothing.
 */
export async function planRoom(
  ctx: PoolContext,
  request: string,
  { verdict, need, shortfall }: Pick<Decision, 'verdict' | 'need' | 'shortfall'>,
): Promise<RoomPlan | null> {
  if (!ctx.policy.retention.pruneOnSpawn || verdict !== 'short') return null;
  const { entries: trash, left } = await trashRelief(ctx, shortfall);
  const job = { pool: ctx.pool.name, cause: 'request', request, need, shortfall: left } as const;
  const { sufficient, deletes } = await planPrune(ctx, job);
  return sufficient && deletes.length + trash.length > 0 ? { trash, deletes } : null;
}
