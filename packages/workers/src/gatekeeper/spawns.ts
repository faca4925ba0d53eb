import { CheckError } from '@spica/core';
import {
  childIds,
  type PrunePayload,
  type PruneResult,
  type RequestResult,
  readFailure,
  type SpawnPayload,
} from '@spica/queues';
import { WaitingChildrenError } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { openRequest } from '../gate/load.ts';
import { GIVEN_UP, setUpOf } from '../spawner/set-up.ts';
import { isHeldFor } from './children.ts';
import type { Before } from './decide.ts';
import { complete, fail } from './ends.ts';
import {
  awaitChildren,
  childOptions,
  endOfChild,
  type GateJob,
  instanceIdsOf,
  report,
  roundOf,
  save,
  startChild,
} from './gate-job.ts';

/** Releases the spawn jobs of a request that was just admitted, and parks it until they have ended. */
export async function startSpawns(gateJob: GateJob): Promise<void> {
  const { count } = gateJob.state.request;
  await addSpawns(gateJob, [...Array(count).keys()]);
  await report(gateJob, { phase: 'spawning', reason: `spawning ${count}` });
  await park(gateJob);
}

/** Those that are there already are not to be among them: one that has failed would be waited for once more, for ever. */
async function addSpawns(gateJob: GateJob, indexes: readonly number[]): Promise<void> {
  const { ctx, id } = gateJob;
  const jobs = indexes.map((index) => {
    const data: SpawnPayload = { pool: ctx.pool.name, request: id, index };
    return { name: 'spawn', data, opts: childOptions(gateJob, childIds.spawn(roundOf(gateJob), index)) };
  });
  await ctx.queues.spawn.addBulk(jobs);
}

/**
 * What the process before this one left undone: it may have been killed before it had added all spawn jobs. Of a cancelled
 * request those that nobody had begun were removed, and are not wanted.
 */
async function addMissingSpawns(gateJob: GateJob): Promise<void> {
  const { ctx, id, state } = gateJob;
  if (await ctx.catalog.isCancelled(id, state.life)) {
    ctx.gate.cancelled.add(id);
    return;
  }
  const isMissing = async (index: number) =>
    !(await ctx.queues.spawn.getJob(childIds.spawn(roundOf(gateJob), index)));
  const { count } = state.request;
  if (!(await isMissing(count - 1))) return; // the last that is added
  const missing: number[] = [];
  for (let index = 0; index < count; index += 1) if (await isMissing(index)) missing.push(index);
  await addSpawns(gateJob, missing);
}

async function park(gateJob: GateJob): Promise<void> {
  const open = gateJob.ctx.gate.requests.get(gateJob.id);
  try {
    await awaitChildren(gateJob);
  } catch (error) {
    if (open && error instanceof WaitingChildrenError) open.parked = true;
    throw error;
  }
}

/**
 * The request's spawn jobs have ended, or it is taken up again after a restart: resolves with its result when all of its
 * instances have come up; null when it is to be undone, since one failed or it was cancelled.
 */
export async function collectSpawns(gateJob: GateJob): Promise<RequestResult | null> {
  const { ctx, id, state, job } = gateJob;
  const { gate } = ctx;
  const open = openRequest(gate, ctx.pool.name, id, state);
  if (!open?.parked) {
    await addMissingSpawns(gateJob);
    await park(gateJob);
  }
  const ids = instanceIdsOf(gateJob);
  if (ids.every((each) => gate.ledger.has(each))) {
    await beginLeases(gateJob, ids);
    if ((await ctx.catalog.completeRequest(id, state.life, ids)) === 'completed')
      return complete(gateJob, ids);
    await startUndo(gateJob, { code: 'REQUEST_CANCELLED', message: `request ${id} was cancelled` }, 1);
    return null;
  }
  if (gate.cancelled.has(id)) {
    await startUndo(gateJob, { code: 'REQUEST_CANCELLED', message: `request ${id} was cancelled` }, 1);
    return null;
  }
  const prefix = `:${childIds.spawn(roundOf(gateJob), 0).slice(0, -1)}`;
  const failures = Object.entries(await job.getIgnoredChildrenFailures())
    .filter(([key]) => key.includes(prefix))
    .map(([, reason]) => readFailure(reason))
    .filter(({ code }) => code !== GIVEN_UP);
  // Its process was killed after it had completed, and an instance has been deleted since.
  if (failures.length === 0 && (await ctx.catalog.isCompleted(id, state.life))) return complete(gateJob, ids);
  // A failure of the request's own says more than that there was no room for the others.
  const failure = failures.find(({ code }) => !isHeldFor(code)) ?? failures[0] ?? GONE;
  await startUndo(gateJob, failure, failures.length);
  return null;
}

/** Set-ups may have taken longer than the leases that their instances came up with: these begin when all are handed out. */
async function beginLeases({ ctx, state: { request } }: GateJob, ids: readonly string[]): Promise<void> {
  const { catalog, clock } = ctx;
  if (request.lease === null || setUpOf(ctx, request) === null) return;
  const { owner, tokenHash, ms } = request.lease;
  const now = clock.now();
  const lease = { owner, tokenHash, expiresAt: now + ms, since: now };
  for (const { record, state } of await catalog.getMany(ids)) {
    // Else they were handed out by a run of this job that was cut off, and are released again, perhaps.
    if (state === 'in-flight') await catalog.protect(record.id, { lease, pin: null, releasedAt: null });
  }
  await catalog.putBackDirty(ids); // their records are to say so, too
}

const GONE = { code: 'SPAWN_GONE', message: 'its spawn jobs were removed before they ended' };

/**
 * Removes the spawn jobs of a cancelled request that nobody has begun, and ends its set-ups: its undo need not wait for
 * them.
 */
export async function dropSpawns(ctx: ServedContext, request: string): Promise<void> {
  const open = ctx.gate.requests.get(request);
  if (!open) return;
  open.stop.abort(new CheckError('REQUEST_CANCELLED', `request ${request} was cancelled`));
  const round = { request, life: open.life, round: open.round };
  for (let index = 0; index < open.request.count; index += 1) {
    await ctx.queues.spawn.remove(childIds.spawn(round, index)).catch((error: unknown) => {
      ctx.logger.debug({ err: error, request, index }, 'a spawn job of a cancelled request is under way');
    });
  }
}

/** Has what came up of the request removed by a job of the prune queue. */
export async function startUndo(
  gateJob: GateJob,
  { code, message }: { code: string; message: string },
  failures: number,
): Promise<void> {
  const of = failures > 1 ? ` (and ${failures - 1} more of ${gateJob.state.request.count} failed)` : '';
  const failure = { code, message: message + of, holds: isHeldFor(code) };
  await addUndo(gateJob, failure);
}

async function addUndo(gateJob: GateJob, failure: NonNullable<GateJob['state']['failure']>): Promise<void> {
  const { ctx, id, state } = gateJob;
  const reason = `request ${id} ${failure.holds ? 'has no room for now' : 'failed'}: ${failure.message}`;
  const { count } = state.request;
  const data: PrunePayload = { pool: ctx.pool.name, cause: 'undo', request: id, count, reason };
  const child = { name: 'prune', id: childIds.undo, data };
  const progress = { phase: 'undoing', reason: failure.message } as const;
  await startChild(gateJob, ctx.queues.prune, child, { step: 'undo', failure }, progress);
}

/**
 * The undo has ended: what the request held is given back. One that had no room goes back to be decided again, and waits
 * at least until something comes free; any other fails. Throws CheckError AUDIT_UNWRITABLE when the undo could not be
 * audited, and touched nothing: the next run starts another.
 */
export async function afterUndo(gateJob: GateJob): Promise<Before> {
  const { ctx, id, state } = gateJob;
  const { gate } = ctx;
  const failure = state.failure ?? {
    code: 'INTERNAL',
    message: 'it failed for an unknown reason',
    holds: false,
  };
  const end = await endOfChild<PruneResult>(gateJob, ctx.queues.prune, childIds.undo(roundOf(gateJob)));
  const undone = end && ('failure' in end ? readFailure(end.failure) : null);
  if (end === null) {
    await addUndo(gateJob, failure);
    return {};
  }
  if (undone?.code === 'AUDIT_UNWRITABLE') {
    await save(gateJob, { round: state.round + 1 }); // whose undo is not there yet: it is started a moment later
    throw new CheckError(undone.code, undone.message);
  }
  gate.requests.delete(id);
  gate.ledger.giveBack(id);
  ctx.publisher.soon();
  await gate.line.wake();
  const left =
    'failure' in end ? end.failure : end.value.failed.map((item) => `${item.id}: ${item.reason}`).join('; ');
  const text = left ? `${failure.message}; not all of it could be undone: ${left}` : failure.message;
  if (!failure.holds || left) return fail(gateJob, new CheckError(failure.code, text));
  await save(gateJob, { step: 'decide', admitted: null, failure: null });
  return { doubt: text };
}
