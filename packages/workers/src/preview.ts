import { type Decision, type Help, type RetentionPlan, UsageError } from '@spica/core';
import type { PoolContext } from './context.ts';
import { helpFor } from './gatekeeper/help.ts';
import { createLookout } from './gatekeeper/look.ts';
import type { Asked } from './gatekeeper/need.ts';
import { decide } from './gatekeeper/preflight.ts';
import { planRoom, type RoomPlan } from './gatekeeper/room.ts';
import { planAndSeal } from './pruner/sealed.ts';
import { findStrangers, type Stranger } from './pruner/strangers.ts';

/** What is to be deleted, and why; of the trash, why it was put there. */
interface Going {
  readonly id: string;
  readonly reason: string;
  readonly bytes: number | null;
}

/** What the gate would say of a request as things stand. */
export interface Preview extends Decision {
  /** Whether the template's snapshot is up to date. */
  readonly prepared: boolean;
  /** What the gate would have pruned, to admit it then; null where it is not short, or that would not do. */
  readonly afterPruning: { readonly instances: readonly Going[]; readonly trash: readonly Going[] } | null;
  /** What would help where it is short and no room can be made for it; else null. */
  readonly help: Help | null;
}

/**
 * Would a request be admitted now, and why? Changes nothing. A template that has not been prepared as it is now is
 * reckoned with at the size that its snapshot would have.
 */
export async function previewAdmission(
  ctx: PoolContext,
  { template, ...asked }: Asked & { readonly template: string },
): Promise<Preview> {
  const { count } = asked;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UsageError('COUNT_INVALID', `count: expected a whole number of at least 1, got ${count}`);
  }
  const look = await createLookout(ctx).look(true);
  const current = await ctx.templates.current(template);
  const { decision } = await decide(ctx, current ?? (await unprepared(ctx, template)), asked, look);
  const room = await planRoom(ctx, 'preflight', decision);
  const help = decision.verdict === 'short' && room === null ? await helpFor(ctx, decision) : null;
  return { ...decision, prepared: current !== null, afterPruning: room && whatGoes(room), help };
}

function whatGoes({ deletes, trash }: RoomPlan): NonNullable<Preview['afterPruning']> {
  return {
    instances: deletes.map(({ id, reason, bytes }) => ({ id, reason, bytes })),
    trash: trash.map(({ id, note }) => ({
      id,
      reason: note?.reason ?? 'unknown',
      bytes: note?.bytes ?? null,
    })),
  };
}

async function unprepared(ctx: PoolContext, template: string) {
  const { bytes, inodes } = await ctx.templates.size(template);
  return { template, allocatedBytes: bytes, inodes };
}

/**
 * What a prune would do now, under the pool's limits or the given ones. Touches nothing but the list of sealed plans: the
 * digest names this one for an hour, so that exactly it can be carried out.
 */
export async function previewPrune(
  ctx: PoolContext,
  limits: { maxInstances: number | null; maxAgeMs: number | null },
): Promise<{
  readonly plan: RetentionPlan;
  readonly digest: string;
  readonly strangers: readonly Stranger[];
}> {
  const sealed = await planAndSeal(ctx, { pool: ctx.pool.name, cause: 'operator', ...limits });
  return { ...sealed, strangers: await findStrangers(ctx) };
}
