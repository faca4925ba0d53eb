import { expect } from 'vitest';
import { openRequest } from '../../packages/workers/src/gate/load.ts';
import { Life } from './crash.ts';
import { expectLedger } from './ledger.ts';
import type { Instance, Model } from './model.ts';
import { toMove } from './moves.ts';
import { observe, type Seen } from './observe.ts';
import { HOUR, type Operation } from './operation.ts';
import type { Protection } from './rollback.ts';
import type { World } from './world.ts';

/** What makes no sense to try on a Redis that knows less than the disk: an undo is not the request's to do any more. */
const LEFT_OUT: readonly Operation['do'][] = ['undo', 'restore'];

/**
 * Does one operation while Redis is behind the disk. What it comes to is not told beforehand: Redis says what was true
 * once. What must hold is that nothing goes that must stay; the model follows what is to be seen. A comparison of the
 * disk with the catalog, or a new worker, ends it.
 */
export async function runSteppedBack(world: World, model: Model, operation: Operation): Promise<boolean> {
  const move = LEFT_OUT.includes(operation.do) ? null : toMove(world, model, operation);
  if (!move) return false;
  await move.before?.();
  await world.ctx.clockGuard.suspended();
  model.time.look();
  const life = new Life(operation.crashAt);
  if (move.work) await life.run(move.work);
  if (operation.do === 'use' || operation.do === 'confirm') move.predict();
  if (operation.do === 'flush') loseAll(model);
  const isRestarted = life.crashed || operation.do === 'restart';
  if (isRestarted) {
    if (operation.flushed) {
      await world.flush();
      loseAll(model);
    }
    await world.stop();
    await world.start();
    model.time.restart();
  } else if (operation.do === 'reconcile') takeUpJobs(world);
  await followWorld(world, model);
  if (isRestarted || operation.do === 'reconcile') await expectMended(world, model);
  return life.crashed;
}

function loseAll(model: Model): void {
  const kept = model.steppedBack?.kept ?? new Map<string, Protection>();
  model.flush();
  model.steppedBack = { isNoticed: true, isLossy: true, kept };
}

/** BullMQ hands the gate its open jobs anew, since their locks have ended; each is opened again where it was not known. */
function takeUpJobs({ ctx, jobs }: World): void {
  for (const [request, { state, data }] of jobs) {
    if (state === 'active') openRequest(ctx.gate, 'main', request, data);
  }
}

/** The model follows what is to be seen; nothing has gone that must stay. */
export async function followWorld(world: World, model: Model): Promise<void> {
  const seen = await observe(world);
  const now = new Map<string, Instance>();
  for (const instance of model.instances.values()) {
    const found = seen.get(instance.id) ?? { place: 'gone', deletionBegun: false, said: null };
    if (instance.place === 'pool' && found.place !== 'pool') expectMayGo(model, instance);
    now.set(instance.id, follow(instance, found, model.time.judge));
  }
  for (const [id, found] of seen) {
    const request = world.askedFor.get(id);
    if (request === undefined) throw new Error(`${id}: nobody asked for it`);
    if (!now.has(id)) now.set(id, follow(born(id, request), found, model.time.judge));
  }
  model.instances = now;
  model.sealed = null;
  model.requests.clear();
  for (const { id, ids, leaseMs } of world.openRequests()) model.requests.set(id, { ids, leaseMs });
}

function expectMayGo({ steppedBack, time }: Model, { id }: Instance): void {
  const { pinned = false, leaseUntil = 0, usedUntil = 0 } = steppedBack?.kept.get(id) ?? {};
  expect({ id, isNoticed: steppedBack?.isNoticed }).toEqual({ id, isNoticed: false });
  expect({ id, pinned }).toEqual({ id, pinned: false });
  expect(Math.max(leaseUntil, usedUntil), `the end of what protects ${id}`).toBeLessThanOrEqual(time.judge);
}

function born(id: string, request: string): Instance {
  const nothing = {
    lease: null,
    lastLeasedAt: null,
    releasedAt: null,
    pinned: false,
    score: null,
    usedUntil: 0,
  };
  const place = { place: 'pool', listed: true, inFlight: true, trashedAt: 0, deletionBegun: false } as const;
  return { id, request, spawnedAt: 0, ...place, ...nothing };
}

function follow(instance: Instance, { place, deletionBegun, said }: Seen, at: number): Instance {
  const trashedAt = instance.place === 'trash' ? instance.trashedAt : at;
  const where = { ...instance, place, deletionBegun, trashedAt, listed: said !== null };
  if (said === null || place !== 'pool') return where;
  const { state, spawnedAt, ...rest } = said;
  return { ...where, ...rest, spawnedAt: spawnedAt ?? 0, inFlight: state === 'in-flight' };
}

/** The disk was compared: what is on it is listed, what stood in records protects again, and deletion waits for an hour. */
async function expectMended(world: World, model: Model): Promise<void> {
  const { kept, isLossy } = model.steppedBack ?? { kept: new Map<string, Protection>(), isLossy: false };
  for (const { id, place, listed, request } of model.instances.values()) {
    if (place !== 'pool') expect({ id, listed }).toEqual({ id, listed: false });
    else if (!model.requests.has(request)) expect({ id, listed }).toEqual({ id, listed: true });
  }
  for (const [id, protection] of kept) expectProtected(model, id, protection);
  const { graceUntil = 0 } = (await world.ctx.catalog.reconciled()) ?? {};
  if (isLossy && model.at('pool').length > 0) {
    expect(graceUntil).toBeGreaterThanOrEqual(model.time.judge + HOUR);
  }
  model.graceUntil = graceUntil;
  model.reservedSlots = world.ctx.gate.ledger.sums(model.time.judge).reserved.slots;
  model.lost = false;
  model.steppedBack = null;
  await expectLedger(world);
}

function expectProtected(model: Model, id: string, { pinned, leaseUntil }: Protection): void {
  const instance = model.instances.get(id);
  if (instance?.place !== 'pool' || !instance.listed) return;
  if (pinned) expect({ id, pinned: instance.pinned }).toEqual({ id, pinned: true });
  if (leaseUntil > model.time.judge) {
    expect(instance.lease?.expiresAt ?? 0, `the lease of ${id}`).toBeGreaterThanOrEqual(leaseUntil);
  }
}
