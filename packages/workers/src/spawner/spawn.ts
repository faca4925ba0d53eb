import {
  CheckError,
  floorOf,
  type InstanceRecord,
  instanceIdOf,
  poolFloor,
  type Size,
  seedOf,
  validateParams,
} from '@spica/core';
import {
  asNoSpace,
  buildLineage,
  buildManifest,
  checkMarker,
  cloneInstance,
  inheritInstanceBaseline,
  type Prepared,
  readManifest,
  readRecord,
  readSpace,
  writeRecord,
} from '@spica/pool';
import { paramsOf, type SpawnPayload, type SpawnResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { announceCloneEnd, awaitRoomForClone } from '../gate/filesystem.ts';
import { countedAs } from '../gate/load.ts';
import type { OpenRequest } from '../gate/state.ts';
import { clonedSize, withOwnFiles } from '../gatekeeper/need.ts';
import { capFor } from '../image/caps.ts';
import { forkSource } from '../image/fork.ts';
import { writeKnownRecord } from '../known-record.ts';
import { recordOf, type Spawn } from './record.ts';
import { discardHalfSetUp, setUp, setUpOf } from './set-up.ts';

/**
 * Brings up one instance of an admitted request: record → clone into staging → manifest → rename → set-up → catalog and
 * ledger.
 * However often it runs, there is at most one instance. Throws CheckError: NO_SPACE (in plain words, whatever ran out),
 * SNAPSHOT_GONE, REQUEST_CANCELLED, what `setUp` throws, NO_RESERVATION (nothing is reserved for it: its request has ended, or never went
 * through the gate).
 */
export async function spawnInstance(
  ctx: ServedContext,
  job: SpawnPayload,
  signal?: AbortSignal,
): Promise<SpawnResult> {
  const spawn = findRequest(ctx, job);
  const path = ctx.pool.pathOf(spawn.id);
  if (await isUp(ctx, spawn)) return { id: spawn.id, path };
  validateParams(paramsOf(spawn.open.request, job.index));
  await checkMarker(ctx.pool);
  spawn.open.stop.signal.throwIfAborted();
  if (await commitFound(ctx, spawn)) return { id: spawn.id, path };
  const prepared = await findSnapshot(ctx, spawn.open);
  const size = withOwnFiles(clonedSize(ctx.method, prepared));
  await beginClone(ctx, spawn.id, size, signal);
  const endClone = () => {
    ctx.gate.ledger.endClone(spawn.id);
    announceCloneEnd([ctx.gate.filesystem, ...ctx.gate.below.map(({ filesystem }) => filesystem)]);
  };
  try {
    await bringUp(ctx, spawn, prepared, { endClone, ...(signal ? { signal } : {}) });
  } catch (error) {
    throw (
      (await asNoSpace(error, ctx.pool.paths.staging, `instance ${spawn.id}: it could not be cloned`)) ??
      error
    );
  } finally {
    ctx.gate.ledger.endSetUp(spawn.id);
    endClone();
  }
  return { id: spawn.id, path };
}

/** A job that was put into the queue by hand names no request that was admitted. */
function findRequest({ gate, pool }: ServedContext, of: SpawnPayload): Spawn {
  if (of.pool !== pool.name) {
    throw new CheckError('PAYLOAD_INVALID', `spawn job: pool: expected "${pool.name}", got "${of.pool}"`);
  }
  const open = gate.requests.get(of.request);
  const id = instanceIdOf(pool.name, of.request, of.index);
  if (!open || of.index >= open.request.count) throw noReservation(of);
  if (gate.cancelled.has(of.request)) throw cancelled(of);
  return { id, of, open };
}

/** Whether an earlier run of this job had come to its end. */
async function isUp({ gate, catalog }: ServedContext, { id, of }: Spawn): Promise<boolean> {
  if (!gate.ledger.has(id)) {
    if (!gate.ledger.reservation(of.request)?.slots) throw noReservation(of);
    return false;
  }
  const known = await catalog.get(id);
  return known?.state === 'in-flight' && known.request === of.request;
}

/**
 * An earlier run was cut off, or Redis has forgotten that it ran: what it brought up is there, whole, and needs no room.
 * It is taken in with the record that it has, which may know of leases and pins since. False where it is not there.
 */
async function commitFound(ctx: ServedContext, spawn: Spawn): Promise<boolean> {
  const { pool, method, clock } = ctx;
  const { id } = spawn;
  if (await discardIfHalf(ctx, spawn)) return false;
  const manifest = await readManifest(pool, id).catch(nullIfBroken);
  const record = manifest && (await readRecord(pool, id).catch(nullIfBroken));
  if (manifest?.spica_id !== id || !record) return false;
  const cloned = { ...record, clonedAt: record.clonedAt ?? clock.now() };
  if (method !== 'copy' && record.clonedAt === null) await writeRecord(pool, cloned);
  await commit(ctx, spawn, cloned);
  return true;
}

function nullIfBroken(error: unknown): null {
  if (error instanceof CheckError) return null;
  throw error;
}

async function findSnapshot(ctx: ServedContext, { request, admitted }: OpenRequest): Promise<Prepared> {
  const { template, from } = request;
  if (from !== null) return forkSource(ctx, from);
  const prepared = await ctx.templates.get(template, admitted.fingerprint);
  if (prepared) return prepared;
  throw new CheckError('SNAPSHOT_GONE', `template ${template}: its snapshot ${admitted.fingerprint} is gone`);
}

/** The gate's reading of the disk is a while ago: others may have taken the room that was reserved. */
async function beginClone(ctx: ServedContext, id: string, size: Size, signal?: AbortSignal): Promise<void> {
  const { gate, gauge, policy, image } = ctx;
  const own = {
    filesystem: gate.filesystem,
    size,
    read: async () => {
      const space = await gauge.read({ maxAgeMs: 0 });
      return { space, floor: poolFloor(policy.disk, space, image !== null) };
    },
  };
  const below = gate.below.map(({ dir, filesystem }) => ({
    filesystem,
    size: { bytes: size.bytes, inodes: 0 },
    read: async () => ({ space: await readSpace(dir), floor: { ...floorOf(policy.disk, null), inodes: 0 } }),
  }));
  const begin = () => gate.ledger.beginClone(id, size);
  if (await awaitRoomForClone([own, ...below], begin, signal)) return;
  throw new CheckError(
    'NO_SPACE',
    'the disk is full: others took the room that was reserved, and the clone would cross the floor',
  );
}

/** One that was being set up when its worker was killed is not handed out. What the catalog knows was whole before. */
async function discardIfHalf(ctx: ServedContext, { id }: Spawn): Promise<boolean> {
  if (ctx.gate.ledger.has(id)) return false;
  const record = await readRecord(ctx.pool, id).catch(nullIfBroken);
  if (!record?.settingUp) return false;
  await discardHalfSetUp(ctx, id);
  return true;
}

async function bringUp(
  ctx: ServedContext,
  spawn: Spawn,
  prepared: Prepared,
  { endClone, signal }: { readonly endClone: () => void; readonly signal?: AbortSignal },
): Promise<void> {
  const { pool, clock, gate, method } = ctx;
  const { id, of } = spawn;
  const spawnedAt = clock.now();
  const isKnown = gate.ledger.has(id);
  const command = setUpOf(ctx, spawn.open.request);
  const record = recordOf(ctx, spawn, prepared, spawnedAt);
  const first = command ? { ...record, settingUp: true as const } : record;
  // Of one that the catalog knows it knows more than this: leases and pins since it was spawned.
  if (!isKnown) await writeRecord(pool, first);
  await clone(ctx, spawn, prepared, spawnedAt, signal);
  const clonedAt = clock.now();
  if (spawn.open.request.from !== null) await inherit(ctx, spawn.open.request.from, id);
  // A clone that shares its blocks has to know since when, to tell what is its own. Before anybody else writes to it.
  if (!isKnown && method !== 'copy') await writeRecord(pool, { ...first, clonedAt });
  const whole: InstanceRecord = { ...record, clonedAt };
  if (command) {
    gate.ledger.beginSetUp(of.request, id);
    endClone();
    await setUp(ctx, spawn, command, signal);
    if (!isKnown) await writeRecord(pool, whole);
  }
  await commit(ctx, spawn, whole);
  if (isKnown) await writeKnownRecord(ctx, id);
  const ms = clock.now() - spawnedAt;
  ctx.observe({ kind: 'spawned', method, bytes: prepared.allocatedBytes, ms });
  ctx.logger.info({ request: of.request, instance: id, ms }, 'instance spawned');
}

/** What its parent's set-up has made is no work of a fork either. */
async function inherit({ pool, logger }: ServedContext, parent: string, id: string): Promise<void> {
  await inheritInstanceBaseline(pool, parent, id).catch((error: unknown) => {
    logger.warn({ err: error, instance: id }, 'what the set-up of its parent made could not be kept');
  });
}

/**
 * The instance is there: one slot of the reservation becomes its place, and what it may still add its growth. Where it
 * is not wanted any more, it stays for its request's undo.
 */
async function commit(ctx: ServedContext, { id, of, open }: Spawn, record: InstanceRecord): Promise<void> {
  const { gate, catalog } = ctx;
  if (gate.requests.get(of.request) !== open) throw noReservation(of);
  const outcome = await catalog.commit({ request: of.request, life: open.life }, record);
  if (outcome === 'cancelled') throw cancelled(of);
  const known = outcome === 'already' ? await catalog.get(id) : null;
  ctx.cloneSync.noteWritten(ctx, record.cloned ?? NOTHING); // first: it is to be counted at each moment
  gate.ledger.commit(of.request, id, countedAs(ctx, known?.record ?? record), record.cloned ?? NOTHING);
  ctx.collectDue.note(known?.record ?? record);
  gate.protected.note(known?.record ?? record);
  ctx.publisher.soon();
}

const NOTHING: Size = { bytes: 0, inodes: 0 };

function noReservation({ request, index }: SpawnPayload): CheckError {
  return new CheckError(
    'NO_RESERVATION',
    `spawn job: nothing is reserved for instance ${index} of request ${request}: it has ended, or was never admitted`,
  );
}

function cancelled({ request }: SpawnPayload): CheckError {
  return new CheckError('REQUEST_CANCELLED', `request ${request} was cancelled`);
}

async function clone(
  ctx: ServedContext,
  { id, of, open }: Spawn,
  prepared: Prepared,
  spawnedAt: number,
  signal?: AbortSignal,
) {
  const { config, pool, method, isCharged } = ctx;
  const { parent, notes } = open.request;
  const params = paramsOf(open.request, of.index);
  const { generation, each } = open.admitted;
  const lineage = buildLineage({ id, parent, originCommit: prepared.originCommit, generation, spawnedAt });
  const seed = seedOf(pool.name, of.request, of.index);
  const { cpu, ramGb, vramGb } = config.budget;
  const asked = open.request.budget;
  const budget = { cpu: asked?.cpu ?? cpu, ramGb: asked?.ramGb ?? ramGb, vramGb: asked?.vramGb ?? vramGb };
  const manifest = buildManifest({ id, prepared, lineage, seed, params, budget, spawnedAt, notes });
  await cloneInstance({
    pool,
    prepared,
    isLive: open.request.from !== null,
    method,
    id,
    manifest,
    lineage,
    params,
    charge: isCharged ? { capBytes: capFor(ctx, each) } : null,
    ...(signal ? { signal } : {}),
  });
}
