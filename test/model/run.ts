import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listRecords, readCharges, verifyAudit, verifyLineage } from '@spica/pool';
import { expect } from 'vitest';
import { Life } from './crash.ts';
import { expectLedger } from './ledger.ts';
import type { Instance, Model } from './model.ts';
import { toMove } from './moves.ts';
import { expectAsModelled, observe, resume } from './observe.ts';
import { HOUR, type Operation } from './operation.ts';
import { stepBack } from './rollback.ts';
import { followWorld, runSteppedBack } from './stepped-back.ts';
import type { World } from './world.ts';

/** Does one operation to the world and to the model, and compares what came of it. Resolves with whether a crash cut it off. */
export async function runOperation(world: World, model: Model, operation: Operation): Promise<boolean> {
  await look(world, model);
  if (operation.do === 'rollback') {
    await stepBack(world, model, operation);
    await look(world, model);
    await followWorld(world, model);
    return false;
  }
  if (model.steppedBack) return runSteppedBack(world, model, operation);
  const move = toMove(world, model, operation);
  if (!move) return false;
  if (move.before) {
    await move.before();
    await look(world, model);
  }
  const before = model.instances;
  const requests = new Map(model.requests);
  const wasLost = model.lost;
  const at = model.time.judge;
  const life = new Life(operation.crashAt);
  const outcome = move.work && (await life.run(move.work));
  const expected = move.predict();
  if (life.crashed || operation.do === 'restart') {
    for (const [request, asked] of requests) {
      if (world.jobs.get(request)?.state === 'active') model.requests.set(request, asked);
    }
    model.lost = wasLost;
    if (operation.flushed) await flush(world, model);
    await restart(world, model, { before, at });
    if (operation.do === 'undo') await runOperation(world, model, { ...operation, crashAt: null });
  } else {
    if (move.work) expect(outcome, JSON.stringify(operation)).toEqual(expected);
    model.reservedSlots = reservedSlots(world);
    if (operation.do === 'reconcile') await readGrace(world, model, wasLost);
  }
  const seen = await observe(world);
  expectAsModelled(seen, model);
  if (!model.lost) await expectLedger(world);
  for (const { id } of model.at('pool')) {
    if (before.get(id)?.place !== 'pool') await expectWhole(world, id);
  }
  return life.crashed;
}

async function look(world: World, model: Model): Promise<void> {
  await world.ctx.clockGuard.suspended();
  model.time.look();
}

async function flush(world: World, model: Model): Promise<void> {
  await world.flush();
  model.flush();
}

/** A new worker takes over, as `spica up` does: it may find half of what the one before it did. */
async function restart(
  world: World,
  model: Model,
  { before, at }: { before: ReadonlyMap<string, Instance>; at: number },
): Promise<void> {
  await world.stop();
  await world.start();
  model.time.restart();
  const wasLost = model.lost;
  resume(model, before, await observe(world), at);
  model.lost = false;
  model.reservedSlots = reservedSlots(world);
  await readGrace(world, model, wasLost);
  expect(await readdir(world.pool.paths.staging)).toEqual([]);
  await expectNoStaleRecords(world, model);
}

/** What is gone has no record: one would protect nothing, and be taken for an instance's that comes up under its name. */
async function expectNoStaleRecords({ pool }: World, model: Model): Promise<void> {
  const comingUp = [...model.requests.values()].flatMap(({ ids }) => ids);
  const expected = new Set([...model.at('pool').map(({ id }) => id), ...comingUp]);
  const { records } = await listRecords(pool);
  expect(records.map(({ id }) => id).filter((id) => !expected.has(id))).toEqual([]);
}

function reservedSlots({ ctx }: World): number {
  return ctx.gate.ledger.sums(ctx.clockGuard.now()).reserved.slots;
}

/** After Redis was lost, nothing may be deleted for an hour: what stands in records protects itself. */
async function readGrace({ ctx }: World, model: Model, wasLost: boolean): Promise<void> {
  const { graceUntil = 0 } = (await ctx.catalog.reconciled()) ?? {};
  const isHeld = wasLost && model.at('pool').length > 0;
  expect(graceUntil).toBe(isHeld ? model.time.judge + HOUR : wasLost ? 0 : model.graceUntil);
  model.graceUntil = graceUntil;
}

async function expectWhole({ pool, capBytes }: World, id: string): Promise<void> {
  if (capBytes !== null) {
    const charged = await readCharges(pool.paths.root);
    expect(charged?.byInstance.get(id), `the cap of ${id}`).toMatchObject({ capBytes });
  }
  expect((await verifyLineage(pool, id)).ok, `${id} is whole`).toBe(true);
  expect(await readdir(pool.pathOf(id))).toEqual(expect.arrayContaining(['VERSION', 'outside']));
}

/** What must hold at the end of every sequence, whatever happened in it. */
export async function expectAccountedFor(world: World, model: Model): Promise<void> {
  expect(await readFile(join(world.dir, 'outside', 'canary'), 'utf8')).toBe('alive');
  expect(await readdir(world.pool.paths.root)).toContain('unknown');
  expect((await verifyAudit(world.auditPath)).problems).toEqual([]);
  const deletions = (await world.audit()).filter(({ action }) => action === 'delete_instance');
  for (const { id, place } of model.instances.values()) {
    const outcomes = deletions.filter(({ instance }) => instance === id).map(({ outcome }) => outcome);
    if (place !== 'pool') expect(outcomes, `${id}, which is in "${place}"`).toContain('intent');
    if (place === 'gone') expect(outcomes, `the end of ${id}`).toContain('deleted');
  }
}
