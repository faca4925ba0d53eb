import {
  CheckError,
  type CloneMethod,
  floorOf,
  type InstanceRecord,
  instanceIdOf,
  type Size,
  seedOf,
  UsageError,
  validateParams,
} from '@spica/core';
import {
  buildLineage,
  buildManifest,
  checkMarker,
  cloneInstance,
  deleteRecord,
  emptyTrash,
  type Prepared,
  trashInstance,
  writeRecord,
} from '@spica/pool';
import type { SpawnPayload, SpawnResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { writeKnownRecord } from '../known-record.ts';
import { growthAfter } from '../sampler/growth.ts';

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
  const path = ctx.pool.pathOf(job.id);
  const [known, reserved, cancelled, prepared] = await Promise.all([
    ctx.catalog.get(job.id),
    ctx.catalog.hasReservation(job.request),
    ctx.catalog.isCancelled(job.request),
    checkMarker(ctx.pool).then(() => ctx.templates.get(job.template, job.fingerprint)),
  ]);
  if (known?.state === 'in-flight' && known.request === job.request) return { id: job.id, path };
  if (cancelled) throw new CheckError('REQUEST_CANCELLED', `request ${job.request} was cancelled`);
  if (!reserved) throw noReservation(job);
  if (!prepared) {
    throw new CheckError(
      'SNAPSHOT_GONE',
      `template ${job.template}: its snapshot ${job.fingerprint} is gone`,
    );
  }
  await checkFloor(ctx, prepared);
  const spawnedAt = ctx.clock.now();
  const record = recordOf(ctx, job, prepared, spawnedAt);
  // Of one that the catalog knows it knows more than this: leases and pins since it was spawned.
  if (known === null) await writeRecord(ctx.pool, record);
  await clone(ctx, job, prepared, spawnedAt, signal);
  const cloned = { ...record, clonedAt: ctx.clock.now() };
  // A clone that shares its blocks has to know since when, to tell what is its own. Before anybody else writes to it.
  if (known === null && ctx.method !== 'copy') await writeRecord(ctx.pool, cloned);
  await commit(ctx, job.request, cloned);
  if (known !== null) await writeKnownRecord(ctx, job.id);
  ctx.logger.info(
    { request: job.request, instance: job.id, ms: ctx.clock.now() - spawnedAt },
    'instance spawned',
  );
  return { id: job.id, path };
}

/** A look that is this old serves all clones that begin within it. */
const LOOK_MS = 250;

/** The gate's look is a while ago: others may have taken the room that was promised. The floor stays theirs. */
async function checkFloor({ gauge, policy, method }: ServedContext, prepared: Prepared): Promise<void> {
  const space = await gauge.read({ maxAgeMs: LOOK_MS });
  const floor = floorOf(policy.disk, space.totalInodes);
  const { bytes, inodes } = clonedSize(method, prepared);
  const short = (what: string) =>
    new CheckError(
      'NO_SPACE',
      `the disk is full: others took the ${what} that were promised, and the clone would cross the floor`,
    );
  if (space.availableBytes - bytes < floor.bytes) throw short('bytes');
  if (space.freeInodes !== null && space.freeInodes - inodes < floor.inodes) throw short('inodes');
}

/** What a clone allocates: a snapshot shares all with its template, a reflink its data. */
function clonedSize(method: CloneMethod, { allocatedBytes, inodes }: Prepared): Size {
  return { bytes: method === 'copy' ? allocatedBytes : 0, inodes: method === 'snapshot' ? 0 : inodes };
}

/** The instance is there: one slot of the reservation becomes its place, and what it may still add its growth. */
async function commit(ctx: ServedContext, request: string, record: InstanceRecord): Promise<void> {
  const outcome = await ctx.catalog.commit(request, record, growthAfter(ctx, record));
  if (outcome === 'no-reservation') {
    const reason = `request ${request} holds no reservation for it`;
    const at = ctx.clock.now();
    const trash = await trashInstance(ctx.pool, record.id, {
      at,
      reason,
      request,
      bytes: null,
      record: null,
    });
    await deleteRecord(ctx.pool, record.id);
    if (trash) await emptyTrash(trash);
    throw noReservation({ request, id: record.id });
  }
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

function noReservation(job: Pick<SpawnPayload, 'request' | 'id'>): CheckError {
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
  const { lease, ttlMs, predicted, expected, replicaCount } = job;
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
    clonedAt: null,
    cloned: clonedSize(ctx.method, prepared),
    predicted,
    expected,
    replicas: replicaCount,
    parent,
    generation,
    experiment,
    labels,
    spawnedAt,
    sample: null,
    lease: lease && { owner: lease.owner, tokenHash: lease.tokenHash, expiresAt: spawnedAt + lease.ms },
    lastLeasedAt: lease && spawnedAt,
    pin: null,
    ttlMs,
    score: null,
    oversize: null,
  };
}
