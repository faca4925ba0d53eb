import { byteLevels, dueAfterMs, inodeLevels, isWorse, nextLevel, type PressureLevel } from '@spica/core';
import { expectedGrowth } from './expectation.ts';
import { HOST } from './scenario.ts';
import type { Instance } from './store.ts';
import type { World } from './world.ts';

/** Measures what is due, and records what has become of those of which nothing more is expected. */
export function samplePass(world: World): void {
  const instances = [...world.store.instances.values()].filter(({ state }) => state !== 'deleting');
  for (const instance of instances) {
    if (instance.nextSampleTrue <= world.agenda.now) measure(world, instance);
  }
  for (const instance of instances) {
    if (!instance.recorded && hasFinished(world, instance)) record(world, instance);
  }
}

function measure(world: World, instance: Instance): void {
  const now = world.guardedNow;
  const size = world.sizeOf(instance);
  const before = instance.samples.at(-1);
  if (before === undefined || before.ownBytes !== size.bytes || before.ownInodes !== size.inodes) {
    instance.lastChangedAt = now;
  }
  // A clock that was set back must not put off, look after look, the end of the growth window.
  instance.lastChangedAt = Math.min(instance.lastChangedAt, now);
  const sample = { at: now, ownBytes: size.bytes, ownInodes: size.inodes };
  instance.samples = before ? [before, sample] : [sample];
  instance.growth = expectedGrowth(world.store, instance, now);
  instance.nextSampleTrue = world.agenda.now + dueAfterMs(instance.samples, HOST.sample);
}

function hasFinished(world: World, { state, leaseEndsAt, growth }: Instance): boolean {
  return (
    state === 'ready' &&
    (leaseEndsAt === null || leaseEndsAt <= world.guardedNow) &&
    growth.endsAt <= world.guardedNow
  );
}

/** Measured once more, as its lease may have ended long after its last sample. */
function record(world: World, instance: Instance): void {
  world.between();
  const { request, spawnedAt, lastChangedAt } = instance;
  const { template, experiment } = request;
  const finished = {
    at: world.now,
    final: world.sizeOf(instance),
    clone: template.clone,
    grewForMs: Math.max(0, lastChangedAt - spawnedAt),
    predicted: request.predicted,
  };
  world.store.finish(`template:${template.name}`, finished);
  if (experiment !== null) world.store.finish(`experiment:${experiment}`, finished);
  instance.recorded = true;
}

/** Looks at the disk: the level of pressure, if a worse one has begun; null otherwise. */
export function watchDisk(world: World): PressureLevel | null {
  const { availableBytes, freeInodes } = world.space();
  const before = world.store.level;
  const level = nextLevel(before, [
    byteLevels(HOST, availableBytes, HOST.floor.bytes),
    inodeLevels(freeInodes ?? 0, HOST.floor.inodes),
  ]);
  world.store.level = level;
  return isWorse(level, before) ? level : null;
}
