import type { Amount, Decision, PlanItem } from '@spica/core';
import type { TrashEntry } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { planPrune } from '../pruner/plan.ts';
import { trashRelief } from '../pruner/trash.ts';

/** What goes so that a request fits that is short: of the trash first, then instances. */
export interface RoomPlan {
  readonly trash: readonly TrashEntry[];
  readonly deletes: readonly PlanItem[];
}

/** After Redis has lost the catalog no instance goes for a while (`beginDelete`). */
async function mayDelete({ catalog, clockGuard }: PoolContext): Promise<boolean> {
  const reconciled = await catalog.reconciled();
  return reconciled !== null && reconciled.graceUntil <= clockGuard.now();
}

function isNothing({ bytes, inodes, slots }: Amount): boolean {
  return bytes + inodes + slots === 0;
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
  if (!(await mayDelete(ctx))) return trash.length > 0 && isNothing(left) ? { trash, deletes: [] } : null;
  const job = { pool: ctx.pool.name, cause: 'request', request, need, shortfall: left } as const;
  const { sufficient, deletes } = await planPrune(ctx, job);
  return sufficient && deletes.length + trash.length > 0 ? { trash, deletes } : null;
}
