import {
  CheckError,
  type InstanceRecord,
  instanceIdOf,
  seedOf,
  UsageError,
  validateParams,
} from '@spica/core';
import {
  buildLineage,
  buildManifest,
  checkMarker,
  cloneInstance,
  type Prepared,
  trashInstance,
  writeRecord,
} from '@spica/pool';
import type { SpawnPayload, SpawnResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';

/**
 * Brings up one instance of a request: record → clone into staging → manifest → rename → catalog. However often it
 * runs, there is at most one instance. Throws CheckError: NO_SPACE, SNAPSHOT_GONE, NO_RESERVATION (nothing was promised
 * to this request: it has ended, or never went through the gate).
 */
export async function spawnInstance(
  ctx: ServedContext,
  job: SpawnPayload,
  signal?: AbortSignal,
): Promise<SpawnResult> {
  checkIdentity(ctx, job);
  validateParams(job.params);
  await checkMarker(ctx.pool);
  const path = ctx.pool.pathOf(job.id);
  const known = await ctx.catalog.get(job.id);
  if (known?.state === 'in-flight' && known.request === job.request) return { id: job.id, path };
  if (!(await ctx.catalog.hasReservation(job.request))) throw noReservation(job);
  const prepared = await ctx.templates.get(job.template, job.fingerprint);
  if (!prepared) {
    throw new CheckError(
      'SNAPSHOT_GONE',
      `template ${job.template}: its snapshot ${job.fingerprint} is gone`,
    );
  }
  const spawnedAt = ctx.clock.now();
  const record = recordOf(ctx, job, prepared, spawnedAt);
  await writeRecord(ctx.pool, record);
  await clone(ctx, job, prepared, spawnedAt, signal);
  if ((await ctx.catalog.commit(job.request, record)) === 'no-reservation') {
    await trashInstance(ctx.pool, job.id);
    throw noReservation(job);
  }
  ctx.logger.info(
    { request: job.request, instance: job.id, ms: ctx.clock.now() - spawnedAt },
    'instance spawned',
  );
  return { id: job.id, path };
}

/** A job that was put into the queue by hand must not name a directory that its request does not own. */
function checkIdentity(ctx: ServedContext, job: SpawnPayload): void {
  const expected = instanceIdOf(ctx.pool.name, job.request, job.index);
  if (job.pool === ctx.pool.name && job.id === expected) return;
  throw new UsageError(
    'PAYLOAD_INVALID',
    `spawn job: pool ${job.pool}, id ${job.id}: expected pool ${ctx.pool.name} and id ${expected} for index ${job.index} of ${job.request}`,
  );
}

function noReservation(job: SpawnPayload): CheckError {
  return new CheckError(
    'NO_RESERVATION',
    `spawn job: request ${job.request} holds no reservation for instance ${job.id}`,
  );
}

async function clone(
  ctx: ServedContext,
  job: SpawnPayload,
  prepared: Prepared,
  spawnedAt: number,
  signal?: AbortSignal,
) {
  const { config, pool } = ctx;
  const lineage = buildLineage({
    id: job.id,
    parent: job.parent,
    originCommit: prepared.originCommit,
    generation: job.generation,
    spawnedAt,
  });
  const manifest = buildManifest({
    id: job.id,
    prepared,
    lineage,
    seed: seedOf(pool.name, job.request, job.index),
    params: job.params,
    budget: config.budget,
    spawnedAt,
    notes: job.notes,
  });
  await cloneInstance({
    pool,
    prepared,
    method: ctx.method,
    id: job.id,
    manifest,
    lineage,
    params: job.params,
    ...(signal ? { signal } : {}),
  });
}

function recordOf(
  ctx: ServedContext,
  job: SpawnPayload,
  prepared: Prepared,
  spawnedAt: number,
): InstanceRecord {
  const { id, request, index, template, parent, generation, experiment, labels, fingerprint } = job;
  return {
    schema: 'spica.record/v1',
    id,
    pool: ctx.pool.name,
    request,
    index,
    template,
    templateVersion: prepared.version,
    fingerprint,
    cloneMethod: ctx.method,
    sharedBytes: ctx.method === 'copy' ? 0 : prepared.allocatedBytes,
    parent,
    generation,
    experiment,
    labels,
    spawnedAt,
    sample: null,
  };
}
