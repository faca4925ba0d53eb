import { countReplicas } from '@spica/core';
import { childIds, type RequestResult, type SpawnPayload, type SpawnResult } from '@spica/queues';
import { instanceIdsOf } from './steps.ts';
import { childOptions, report, type StepResult, save, type Turn, waitForChildren } from './turn.ts';

/**
 * Releases the request's spawn jobs, waits for all of them, and collects: every one came up → the result; one failed, or
 * the request was cancelled meanwhile → `undo`. Safe to enter again at any point.
 */
export async function release(turn: Turn): Promise<StepResult> {
  const { ctx, id, state } = turn;
  const { count } = state.request;
  if (turn.isNew || !(await ctx.queues.spawn.getJob(childIds.spawn(id, count - 1)))) {
    await ctx.queues.spawn.addBulk(
      instanceIdsOf(turn).map((instance, index) => ({
        name: 'spawn',
        data: spawnPayload(turn, instance, index),
        opts: childOptions(turn, childIds.spawn(id, index)),
      })),
    );
    await report(turn, { phase: 'spawning', reason: `spawning ${count}` });
  }
  await waitForChildren(turn);
  return collect(turn);
}

function spawnPayload(turn: Turn, id: string, index: number): SpawnPayload {
  const { ctx, state } = turn;
  const { template, params, parent, experiment, labels, notes, lease, ttlMs, replicas } = state.request;
  const fingerprint = state.fingerprint ?? '';
  const generation = state.generation ?? 0;
  const pool = ctx.pool.name;
  return {
    pool,
    request: turn.id,
    index,
    id,
    fingerprint,
    generation,
    template,
    params,
    parent,
    experiment,
    labels,
    notes,
    lease,
    ttlMs,
    predicted: state.predicted ?? { bytes: 0, inodes: 0 },
    expected: state.expected ?? { bytes: 0, inodes: 0 },
    replicaCount: replicas === null ? 0 : countReplicas(replicas),
  };
}

async function collect(turn: Turn): Promise<StepResult> {
  const { ctx, id, state } = turn;
  const [values, failures, cancelled] = await Promise.all([
    turn.job.getChildrenValues<SpawnResult>(),
    turn.job.getIgnoredChildrenFailures(),
    ctx.catalog.isCancelled(id),
  ]);
  const prefix = `:${id}-spawn-`;
  const spawned = Object.entries(values).filter(([key]) => key.includes(prefix));
  if (spawned.length === state.request.count) {
    if (cancelled) {
      await save(turn, { step: 'undo', failure: `REQUEST_CANCELLED: request ${id} was cancelled` });
      return { next: 'undo' };
    }
    await ctx.catalog.settle(id);
    await ctx.waker.wake();
    return { result: resultOf(spawned.map(([, value]) => value)) };
  }
  const failed = Object.entries(failures).filter(([key]) => key.includes(prefix));
  const failure = failed[0]?.[1] ?? 'SPAWN_GONE: its spawn jobs were removed before they ended';
  const of = failed.length > 1 ? ` (and ${failed.length - 1} more of ${state.request.count} failed)` : '';
  await save(turn, { step: 'undo', failure: failure + of });
  return { next: 'undo' };
}

function resultOf(spawned: readonly SpawnResult[]): RequestResult {
  return { instances: spawned.toSorted((a, b) => a.id.localeCompare(b.id)) };
}
