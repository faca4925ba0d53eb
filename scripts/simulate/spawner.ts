import type { SpawnEnd } from '@spica/core';
import { HOST, MINUTE } from './scenario.ts';
import { countedAs, type Serving } from './serving.ts';
import type { Admitted, Instance, Request } from './store.ts';
import type { World } from './world.ts';

/** One clone takes so long. */
const CLONE_MS = 20_000;

/** A spawn job. */
interface Job {
  readonly id: string;
  readonly index: number;
  readonly request: Request;
  readonly admitted: Admitted;
}

/** What the gate does when a spawn ends, and when a request's last instance is there. */
interface SpawnEvents {
  readonly onEnd: (request: Request, end: SpawnEnd) => void;
  readonly onComplete: (request: Request) => void;
}

/** Clones what was admitted, so many at a time. Its queue follows from the requests, which Redis keeps. */
export class Spawner {
  readonly #serving: Serving;
  readonly #events: SpawnEvents;
  readonly #running = new Set<Job>();
  #waiting: Job[] = [];

  constructor(serving: Serving, events: SpawnEvents) {
    this.#serving = serving;
    this.#events = events;
  }

  /** Spawns what is not there yet of an admitted request. */
  add(request: Request): void {
    const { store } = this.#serving;
    const { admitted } = request;
    if (admitted === null) return;
    for (const index of request.finals.keys()) {
      const id = `${request.id}-${index}`;
      if (!store.instances.has(id)) this.#waiting.push({ id, index, request, admitted });
    }
    this.#completeIfAllThere(request);
    this.#beginNext();
  }

  /** Stops all spawns of a request, and removes what is half done of them. */
  drop(request: Request): void {
    this.#waiting = this.#waiting.filter((job) => job.request !== request);
    for (const job of this.#running) if (job.request === request) this.#endWriting(job);
    this.#beginNext();
  }

  #beginNext(): void {
    while (this.#running.size < HOST.spawnsAtOnce) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#begin(job);
    }
  }

  #begin(job: Job): void {
    const { world, store, ledger, checks } = this.#serving;
    world.between();
    if (world.hostIsBroken || this.#crossesFloor(job)) {
      this.#events.onEnd(job.request, world.hostIsBroken ? 'host-failure' : 'refusal');
      return;
    }
    const size = job.request.template.clone;
    this.#running.add(job);
    checks.onClone(size);
    ledger.beginClone(job.id, size);
    const begunTrue = world.agenda.now;
    store.writings.set(job.id, { kind: 'clone', size, begunTrue, takesMs: CLONE_MS, cutOffTrue: null });
    world.workAfter(CLONE_MS, () => this.#land(job));
  }

  /** Others may have taken the room since the admission. Clones under way count as if they were there. */
  #crossesFloor({ request: { template } }: Job): boolean {
    const { world, ledger } = this.#serving;
    const { bytes, inodes } = ledger.filesystem.cloning.size;
    const { availableBytes, freeInodes } = world.space();
    return (
      availableBytes - bytes - template.clone.bytes < HOST.floor.bytes ||
      (freeInodes !== null && freeInodes - inodes - template.clone.inodes < HOST.floor.inodes)
    );
  }

  #land(job: Job): void {
    if (!this.#running.has(job)) return; // its request was undone meanwhile
    const { world, store, ledger } = this.#serving;
    const { id, request } = job;
    const instance = newInstance(world, job);
    store.writings.delete(id);
    store.instances.set(id, instance);
    world.between();
    if (!ledger.commit(request.id, id, countedAs(instance, world), request.template.clone)) {
      throw new Error(`instance ${id} landed, and nothing is reserved for it`);
    }
    this.#endWriting(job);
    this.#events.onEnd(request, 'success');
    this.#completeIfAllThere(request);
    this.#beginNext();
  }

  #completeIfAllThere(request: Request): void {
    const { instances } = this.#serving.store;
    const isComplete = [...request.finals.keys()].every((index) => instances.has(`${request.id}-${index}`));
    if (isComplete) this.#events.onComplete(request);
  }

  #endWriting(job: Job): void {
    const { store, ledger } = this.#serving;
    store.writings.delete(job.id);
    ledger.endClone(job.id);
    this.#running.delete(job);
  }
}

function newInstance(
  { random, agenda, now, guardedNow }: World,
  { id, index, request, admitted }: Job,
): Instance {
  const final = request.finals[index] ?? request.template.clone;
  const growMs = request.runMs * random.between(0.5, 1.1);
  // One in fifty leaves a process behind that goes on to write.
  const strayMs = random.chance(1 / 50) ? 30 * MINUTE : 0;
  return {
    id,
    request,
    spawnedAt: now,
    state: 'in-flight',
    admitted,
    leasedSince: guardedNow,
    leaseEndsAt: guardedNow + HOST.leaseMs,
    leaseEndsTrue: agenda.now + HOST.leaseMs,
    lastLeasedAt: now,
    pinned: false,
    samples: [],
    lastChangedAt: guardedNow,
    nextSampleTrue: agenda.now,
    recorded: false,
    bornTrue: agenda.now,
    final,
    growMs,
    curve: random.pick([0.3, 1, 1, 3]),
    stopsTrue: agenda.now + Math.min(growMs, request.runMs) + strayMs,
    allowed: admitted.each,
  };
}
