import { decide, findBarrier, type LedgerSums, type Size, type Step } from '@spica/core';
import { headOf } from './facts.ts';
import { planPrune } from './pruner.ts';
import { HOST, TERMS } from './scenario.ts';
import type { Serving } from './serving.ts';
import type { Request } from './store.ts';
import type { World } from './world.ts';

/** A request is held: notes whether perfect knowledge would have admitted it, or the one that it waits behind. */
export function noteHold(
  serving: Serving,
  request: Request,
  { step, held }: { step: Step & { do: 'hold' }; held: readonly Request[] },
): void {
  const { now } = serving.world;
  if (step.shortage !== null) {
    request.admissible = serving.store.isPrepared(request.template) && couldBeAdmitted(serving, request);
    request.wronglyHeld ||= request.admissible;
  } else {
    const { barrierAfterMs } = TERMS;
    const barrier = findBarrier({ head: headOf(held, now), request: request.id, now, barrierAfterMs });
    const before = barrier && held.find(({ id }) => id === barrier.request);
    request.wronglyHeld ||= before?.admissible ?? false;
  }
}

/**
 * Whether the same rules would admit a request now, if they knew what every instance will become: its own, those that
 * something is reserved for, and those that are there.
 */
function couldBeAdmitted(serving: Serving, request: Request): boolean {
  const { world, store, ledger } = serving;
  const count = request.finals.length;
  const total = sumOf(request.finals);
  const sums = ledger.sums(world.guardedNow);
  const truth: LedgerSums = {
    ...sums,
    reserved: { ...trulyReserved(world), slots: sums.reserved.slots },
    growth: trueGrowth(world),
    instances: store.instances.size,
  };
  const decision = decide(
    {
      count,
      perInstance: { bytes: total.bytes / count, inodes: total.inodes / count },
      certain: { bytes: total.bytes / count, inodes: total.inodes / count },
      basis: { from: 'samples', n: count },
      safetyFactor: 1,
      replicas: null,
    },
    { space: world.space(), landed: sums.landed, floor: HOST.floor, bounds: [], terms: TERMS },
    truth,
  );
  if (decision.verdict !== 'short') return decision.verdict === 'admit';
  return planPrune(serving, decision).sufficient;
}

/** What will have become of the instances that were admitted and are not there yet, and what is left to be prepared. */
function trulyReserved(world: World): Size {
  const missing: Size[] = [];
  for (const { requests, instances, writings } of world.stores) {
    for (const { id, step, finals } of requests.values()) {
      if (step === 'admitted') missing.push(...finals.filter((_, index) => !instances.has(`${id}-${index}`)));
    }
    for (const writing of writings.values()) {
      const written = world.sizeOfWriting(writing);
      const { bytes, inodes } = writing.kind === 'snapshot' ? writing.size : { bytes: 0, inodes: 0 };
      missing.push({ bytes: bytes - written.bytes, inodes: inodes - written.inodes });
    }
  }
  return sumOf(missing);
}

function trueGrowth(world: World): Size {
  const left: Size[] = [];
  for (const instance of world.instances()) {
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
