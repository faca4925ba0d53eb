import { byteLevels, dueAfterMs, inodeLevels, nextLevel, type PressureLevel } from '@spica/core';
import { HOST } from './scenario.ts';
import { countedAs, recount, type Serving } from './serving.ts';
import type { Instance } from './store.ts';
import type { World } from './world.ts';

/** Measures what is due, and records what has become of those of which nothing more is expected. */
export function samplePass(serving: Serving): void {
  const { world, store } = serving;
  const instances = [...store.instances.values()].filter(({ state }) => state !== 'deleting');
  for (const instance of instances) {
    if (instance.nextSampleTrue <= world.agenda.now) measure(serving, instance);
  }
  for (const instance of instances) {
    if (!instance.recorded && hasFinished(world, instance)) record(serving, instance);
  }
}

function measure(serving: Serving, instance: Instance): void {
  const { world } = serving;
  const now = world.guardedNow;
  const size = world.sizeOf(instance);
  const before = instance.samples.at(-1);
  if (before === undefined || before.ownBytes !== size.bytes || before.ownInodes !== size.inodes) {
    instance.lastChangedAt = now;
  }
  // A clock that was set back must not put off the end of the growth window at each sample.
  instance.lastChangedAt = Math.min(instance.lastChangedAt, now);
  const sample = { at: now, ownBytes: size.bytes, ownInodes: size.inodes };
  instance.samples = before ? [before, sample] : [sample];
  instance.nextSampleTrue = world.agenda.now + dueAfterMs(instance.samples, HOST.sample);
  recount(serving, instance);
}

function hasFinished(world: World, instance: Instance): boolean {
  const { state, leaseEndsAt } = instance;
  const now = world.guardedNow;
  if (state !== 'ready' || (leaseEndsAt !== null && leaseEndsAt > now)) return false;
  return countedAs(instance, world).growth.endsAt <= now;
}

/** Measured once more, as its lease may have ended long after its last sample. */
function record({ world, store }: Serving, instance: Instance): void {
  world.between();
  const { request, admitted, spawnedAt, lastChangedAt } = instance;
  const { template, experiment } = request;
  const finished = {
    at: world.now,
    final: world.sizeOf(instance),
    clone: template.clone,
    grewForMs: Math.max(0, lastChangedAt - spawnedAt),
    predicted: admitted.expected,
  };
  store.finish(`template:${template.name}`, finished);
  if (experiment !== null) store.finish(`experiment:${experiment}`, finished);
  instance.recorded = true;
}

/** The level of pressure that follows `before`, by what the disk says now. */
export function nextPressure(world: World, before: PressureLevel): PressureLevel {
  const { availableBytes, freeInodes } = world.space();
  return nextLevel(before, [
    byteLevels(HOST, availableBytes, HOST.floor.bytes),
    inodeLevels(freeInodes ?? 0, HOST.floor.inodes),
  ]);
}
