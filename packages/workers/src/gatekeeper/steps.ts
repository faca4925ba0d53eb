import { CheckError, instanceIdOf, RefusedError } from '@spica/core';
import {
  childIds,
  type PreparePayload,
  type PrepareResult,
  type PrunePayload,
  type PruneResult,
  readFailure,
  toJobError,
} from '@spica/queues';
import { hold } from './hold.ts';
import { report, runChild, type StepResult, save, type Turn } from './turn.ts';

/** How often a template that changes while it is read is prepared for one request. */
const PREPARE_ROUNDS = 5;

/** Has the template's snapshot brought up to date by a job of the spawn queue. Leads back to the pre-flight. */
export async function prepare(turn: Turn): Promise<StepResult> {
  const { ctx, id, state } = turn;
  const { template } = state.request;
  const seen = ctx.waker.count;
  if (state.prepareRound >= PREPARE_ROUNDS && state.heldAt === null) {
    throw new RefusedError(
      'TEMPLATE_UNSTABLE',
      `template ${template}: its snapshot was lost ${PREPARE_ROUNDS} times`,
    );
  }
  await save(turn, { step: 'prepare' });
  await report(turn, { phase: 'preparing', reason: `preparing a snapshot of template ${template}` });
  const data: PreparePayload = { pool: ctx.pool.name, request: id, template };
  const childId = childIds.prepare(id, state.prepareRound);
  const end = await runChild<PrepareResult>(turn, ctx.queues.spawn, { name: 'prepare', id: childId, data });
  await save(turn, { prepareRound: state.prepareRound + 1 });
  if ('value' in end) {
    await save(turn, { step: 'preflight', fingerprint: end.value.fingerprint });
    return { next: 'preflight' };
  }
  const { code, message } = readFailure(end.failure);
  if (code === 'NO_SPACE') return hold(turn, message, seen);
  throw code.startsWith('TEMPLATE_') ? new RefusedError(code, message) : new CheckError(code, message);
}

/** What is missing for a request, and what it needs in all. */
export type Shortage = Pick<PrunePayload & { cause: 'request' }, 'need' | 'shortfall'>;

/**
 * Has the pruner make room, then leads back to the pre-flight, which looks again. Without a shortage it picks up a
 * prune that was begun before.
 */
export async function reclaim(turn: Turn, shortage: Shortage | null): Promise<StepResult> {
  const { ctx, id, state } = turn;
  const childId = childIds.reclaim(id, state.reclaimRound);
  if (shortage) {
    await save(turn, { step: 'reclaim', reclaimSeen: ctx.waker.count });
    await report(turn, { phase: 'reclaiming', reason: 'making room by retention' });
  } else if (!(await ctx.queues.prune.getJob(childId))) {
    return { next: 'preflight' };
  }
  const data = { pool: ctx.pool.name, cause: 'request', request: id, ...shortage };
  const end = await runChild<PruneResult>(turn, ctx.queues.prune, { name: 'prune', id: childId, data });
  if ('failure' in end) turn.logger.warn({ reason: end.failure }, 'the prune for this request failed');
  await save(turn, { step: 'preflight', reclaimRound: state.reclaimRound + 1 });
  turn.reclaimedInVain = 'failure' in end || isInVain(turn, end.value);
  return { next: 'preflight' };
}

/**
 * Whether another prune right now could come to no more. Where this one took something, or could not, its space may only
 * be late: nothing else goes for this request before it was held. Where it wanted nothing, something may have come free
 * since, of which the waker told before the request could be held.
 */
function isInVain({ ctx, state }: Turn, { pruned, failed, skipped, reclaimedBytes }: PruneResult): boolean {
  const touched = pruned.length + failed.length + skipped.length > 0 || reclaimedBytes > 0;
  return touched || ctx.waker.count === state.reclaimSeen;
}

/** The ids of all instances that the request may have. */
export function instanceIdsOf(turn: Turn): string[] {
  const { ctx, id, state } = turn;
  return Array.from({ length: state.request.count }, (_, index) => instanceIdOf(ctx.pool.name, id, index));
}

/** An undo that the audit log had no room for has touched nothing: the next run of this step starts another. */
async function tryAgainIfUnaudited({ ctx, id }: Turn, failure: string): Promise<void> {
  const { code, message } = readFailure(failure);
  if (code !== 'AUDIT_UNWRITABLE') return;
  await ctx.queues.prune.remove(childIds.undo(id));
  throw new CheckError(code, message);
}

/** Removes what came up of a request that failed, gives back its reservation, and ends it. */
export async function undo(turn: Turn): Promise<never> {
  const { ctx, id, state } = turn;
  const failure = state.failure ?? 'INTERNAL: it failed for an unknown reason';
  const { code, message } = readFailure(failure);
  await report(turn, { phase: 'undoing', reason: message });
  const data: PrunePayload = {
    pool: ctx.pool.name,
    cause: 'undo',
    request: id,
    ids: instanceIdsOf(turn),
    reason: `request ${id} failed: ${message}`,
  };
  const end = await runChild<PruneResult>(turn, ctx.queues.prune, {
    name: 'prune',
    id: childIds.undo(id),
    data,
  });
  if ('failure' in end) await tryAgainIfUnaudited(turn, end.failure);
  const left =
    'failure' in end ? end.failure : end.value.failed.map((item) => `${item.id}: ${item.reason}`).join('; ');
  const text = left ? `${message}; not all of it could be undone: ${left}` : message;
  await ctx.catalog.giveBack(id);
  await ctx.catalog.release(id);
  await ctx.audit.append({ action: 'fail_request', request: id, reason: text, outcome: 'failed' });
  await report(turn, { phase: 'failed', reason: text, code });
  await ctx.waker.wake();
  // As a job's error: it has been undone, whatever the failure says of what could not be written at the time.
  throw toJobError(new CheckError(code, text));
}
