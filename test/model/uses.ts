import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mirrorChanges } from '../../packages/workers/src/runtime/mirror.ts';
import type { Instance, Model } from './model.ts';
import type { Move } from './move.ts';
import { HOUR, type Operation } from './operation.ts';
import type { World } from './world.ts';

type Of<Name extends Operation['do']> = Extract<Operation, { do: Name }>;

export function lease(
  world: World,
  model: Model,
  instance: Instance,
  { owner, ms, force }: Of<'lease'>,
): Move {
  const now = world.clocks.wall;
  const expiresAt = now + ms;
  const inForce = instance.lease !== null && instance.lease.expiresAt > now;
  const mine = instance.lease?.owner === owner;
  const outcome = !instance.listed
    ? 'absent'
    : inForce && !mine && !force
      ? 'leased'
      : inForce && mine
        ? 'renewed'
        : 'granted';
  return {
    work: async () => {
      const granted = await world.ctx.catalog.lease(instance.id, {
        owner,
        token: owner,
        expiresAt,
        now,
        force,
      });
      await mirrorChanges(world.ctx);
      return granted.outcome;
    },
    predict: () => {
      const granted = outcome === 'granted' || outcome === 'renewed';
      if (granted)
        model.set(instance.id, { lease: { owner, expiresAt }, lastLeasedAt: now, releasedAt: null });
      return outcome;
    },
  };
}

export function release(
  world: World,
  model: Model,
  instance: Instance,
  { owner, force }: Of<'release'>,
): Move {
  const now = world.clocks.wall;
  const inForce = instance.lease !== null && instance.lease.expiresAt > now;
  const mine = instance.lease?.owner === owner;
  const outcome = !instance.listed ? 'absent' : !inForce ? 'none' : mine || force ? 'released' : 'leased';
  return {
    work: async () => {
      const released = await world.ctx.catalog.releaseLease(instance.id, { token: owner, now, force });
      await mirrorChanges(world.ctx);
      return released.outcome;
    },
    predict: () => {
      if (outcome === 'released') model.set(instance.id, { lease: null, releasedAt: now });
      return outcome;
    },
  };
}

type Mark = Parameters<World['ctx']['catalog']['mark']>[1];

export function mark(world: World, model: Model, id: string, said: Mark, change: Partial<Instance>): Move {
  return {
    work: async () => {
      const marked = await world.ctx.catalog.mark(id, said);
      await mirrorChanges(world.ctx);
      return marked;
    },
    predict: () => {
      if (!model.instances.get(id)?.listed) return 'absent';
      model.set(id, change);
      return 'marked';
    },
  };
}

/** Somebody works in it, and says so by a `.tournament_lock`. */
export function use(world: World, model: Model, id: string): Move {
  const startedAt = world.clocks.wall / 1_000;
  return {
    before: () =>
      writeFile(join(world.pool.pathOf(id), '.tournament_lock'), JSON.stringify({ started_at: startedAt })),
    predict: () => model.set(id, { usedUntil: world.clocks.wall + HOUR }),
  };
}
