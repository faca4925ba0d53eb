import { decideAdmission, type Size } from '@spica/core';
import { planPrune } from './pruner.ts';
import { HOST } from './scenario.ts';
import type { Request } from './store.ts';
import type { World } from './world.ts';

/**
 * Whether the same rules would admit a request now, if they knew what every instance will become: its own, those that
 * are promised, and those that are there.
 */
export function couldBeAdmitted(world: World, request: Request): boolean {
  const { store } = world;
  const count = request.finals.length;
  const total = sumOf(request.finals);
  const decision = decideAdmission({
    count,
    perInstance: { bytes: total.bytes / count, inodes: total.inodes / count },
    basis: { from: 'samples', n: count },
    safetyFactor: 1,
    replicas: null,
    space: world.space(),
    reserved: { ...promised(world), slots: store.reserved.slots },
    growth: trueGrowth(world),
    floor: HOST.floor,
    instances: store.instances.size,
    maxInstances: HOST.retention.maxInstances,
  });
  if (decision.verdict !== 'short') return decision.verdict === 'admit';
  return planPrune(world, decision).sufficient;
}

/** What will have become of the instances that were admitted and are not there yet. */
function promised({ store }: World): Size {
  const missing: Size[] = [];
  for (const [id, { slots }] of store.reservations) {
    if (slots > 0) missing.push(...(store.requests.get(id)?.finals.slice(-slots) ?? []));
  }
  return sumOf(missing);
}

function trueGrowth(world: World): Size {
  const left: Size[] = [];
  for (const instance of world.store.instances.values()) {
    if (instance.stopsTrue <= world.agenda.now) continue;
    const [now, then] = [world.sizeOf(instance), world.sizeOf(instance, instance.stopsTrue)];
    left.push({ bytes: then.bytes - now.bytes, inodes: then.inodes - now.inodes });
  }
  return sumOf(left);
}

function sumOf(sizes: readonly Size[]): Size {
  return {
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    inodes: sizes.reduce((sum, { inodes }) => sum + inodes, 0),
  };
}
