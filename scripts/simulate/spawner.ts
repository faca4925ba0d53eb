import { expectedGrowth } from './expectation.ts';
import { HOST, MINUTE } from './scenario.ts';
import type { Instance, Request } from './store.ts';
import type { World } from './world.ts';

/**
 * Turns one slot of a request's reservation into an instance, unless the host fails or the floor, looked at again, would
 * be touched: a refusal.
 */
export function admitInstance(
  world: World,
  request: Request,
): 'success' | 'all-there' | 'refusal' | 'host-failure' {
  const { store } = world;
  const reservation = store.reservations.get(request.id);
  if (reservation === undefined || reservation.slots === 0) return 'all-there';
  if (world.hostIsBroken) return 'host-failure';
  const { clone } = request.template;
  const { availableBytes, freeInodes } = world.space();
  if (availableBytes - clone.bytes < HOST.floor.bytes) return 'refusal';
  if (freeInodes !== null && freeInodes - clone.inodes < HOST.floor.inodes) return 'refusal';
  const instance = create(world, request, request.finals.length - reservation.slots);
  instance.allowed = reservation.each;
  reservation.slots -= 1;
  store.instances.set(instance.id, instance);
  world.between();
  return 'success';
}

function create(world: World, request: Request, index: number): Instance {
  const { random, agenda, now, guardedNow, store } = world;
  const final = request.finals[index] ?? request.template.clone;
  const growMs = request.runMs * random.between(0.5, 1.1);
  // One in fifty leaves a process behind that goes on to write.
  const strayMs = random.chance(1 / 50) ? 30 * MINUTE : 0;
  const instance: Instance = {
    id: `${request.id}-${index}`,
    request,
    index,
    spawnedAt: now,
    state: 'in-flight',
    leaseEndsAt: guardedNow + HOST.leaseMs,
    lastLeasedAt: now,
    pinned: false,
    samples: [],
    lastChangedAt: guardedNow,
    nextSampleTrue: agenda.now,
    growth: { bytes: 0, inodes: 0, endsAt: 0 },
    recorded: false,
    bornTrue: agenda.now,
    final,
    growMs,
    curve: random.pick([0.3, 1, 1, 3]),
    stopsTrue: agenda.now + Math.min(growMs, request.runMs) + strayMs,
    allowed: final,
  };
  instance.growth = expectedGrowth(store, instance, guardedNow);
  return instance;
}
