import {
  askBreaker,
  checkRate,
  type Decision,
  decideAdmission,
  describeBarrier,
  findBarrier,
  noteSpawn,
  recentStarts,
  refuseAsFull,
} from '@spica/core';
import type { Checks } from './checks.ts';
import { expectationOf } from './expectation.ts';
import { couldBeAdmitted } from './oracle.ts';
import { execute, planPrune, removeRequest } from './pruner.ts';
import { HOST } from './scenario.ts';
import { admitInstance } from './spawner.ts';
import type { Request } from './store.ts';
import type { World } from './world.ts';

/** One clone takes so long. */
const SPAWN_MS = 5_000;

type Verdict =
  | { readonly leadsTo: 'release' }
  | { readonly leadsTo: 'hold' | 'rejection'; readonly reason: string };

/** The gatekeeper's way of a request, by the core's rules. It may be killed between any two steps. */
export class Gate {
  readonly #world: World;
  readonly #checks: Checks;
  /** Called once, when all instances of a request are there. */
  onReady: (request: Request) => void = () => undefined;

  constructor(world: World, checks: Checks) {
    this.#world = world;
    this.#checks = checks;
  }

  /** What the runner calls; the worker need not be there. */
  submit(request: Request): void {
    const { store } = this.#world;
    const full = refuseAsFull(store.held().length, HOST.maxWaiting);
    store.requests.set(request.id, request);
    if (full === null) this.#world.work(() => this.#turn(request));
    else this.#end(request, 'rejected', full);
  }

  /** Something came free, or it is time to look: the held ones look again, longest held first. */
  wake(): void {
    const { requests } = this.#world.store;
    const held = [...requests.values()].filter(({ heldAt }) => heldAt !== null);
    held.sort((a, b) => (a.heldAt ?? 0) - (b.heldAt ?? 0));
    for (const request of held) this.#turn(request);
  }

  /** A new worker takes up what has not ended. */
  takeUp(): void {
    for (const request of [...this.#world.store.requests.values()]) this.#turn(request);
  }

  /** The disk is nearly full: clones in progress are undone, and their requests held. */
  cancelSpawns(): void {
    for (const request of [...this.#world.store.requests.values()]) {
      if (request.step === 'release') this.#undo(request, 'preflight', 'the disk is nearly full');
    }
  }

  #turn(request: Request): void {
    if (request.step === 'preflight') this.#preflight(request);
    else if (request.step === 'release') this.#world.workAfter(SPAWN_MS, () => this.#spawn(request));
    else if (request.step === 'undo') this.#undo(request, request.undoTo, request.reason ?? '');
  }

  #preflight(request: Request): void {
    const isPromised = this.#world.store.reservations.has(request.id);
    const verdict: Verdict = isPromised ? { leadsTo: 'release' } : this.#judge(request);
    if (verdict.leadsTo === 'release') this.#release(request);
    else if (verdict.leadsTo === 'rejection') this.#end(request, 'rejected', verdict.reason);
    else this.#hold(request, verdict.reason);
  }

  #judge(request: Request): Verdict {
    const { store, now } = this.#world;
    const heldBy = this.#heldBy(request);
    if (heldBy !== null) return { leadsTo: 'hold', reason: heldBy };
    const count = request.finals.length;
    const rate = checkRate({ starts: store.starts, count, most: HOST.maxSpawnsPerHour, now });
    if (rate.verdict === 'never') return { leadsTo: 'rejection', reason: rate.reason };
    if (rate.verdict === 'later') return { leadsTo: 'hold', reason: rate.reason };
    let decision = this.#admit(request);
    if (decision.verdict === 'short') {
      const plan = planPrune(this.#world, decision);
      if (plan.sufficient && execute(this.#world, plan) > 0) decision = this.#admit(request);
    }
    if (decision.verdict === 'admit') return { leadsTo: 'release' };
    if (decision.verdict === 'impossible') return { leadsTo: 'rejection', reason: decision.sentence };
    request.admissible = couldBeAdmitted(this.#world, request);
    request.wronglyHeld ||= request.admissible;
    return { leadsTo: 'hold', reason: decision.sentence };
  }

  /** Who or what holds a request up before it is looked at; null when nothing does. */
  #heldBy(request: Request): string | null {
    const { store, now } = this.#world;
    const { barrierAfterMs } = HOST;
    const barrier = findBarrier({ held: store.held(), request: request.id, now, barrierAfterMs });
    if (barrier !== null) {
      request.wronglyHeld ||= store.requests.get(barrier.request)?.admissible ?? false;
      return describeBarrier(barrier, now);
    }
    const asked = askBreaker(store.breaker, { request: request.id, now, terms: HOST.breaker });
    store.breaker = asked.breaker;
    return asked.answer.pass ? null : asked.answer.reason;
  }

  /** Decides, and promises what an admitted request needs. */
  #admit(request: Request): Decision {
    const { store } = this.#world;
    const { decision, predicted } = this.#decide(request);
    this.#world.between();
    if (decision.verdict !== 'admit') return decision;
    request.predicted = predicted;
    store.reservations.set(request.id, {
      each: decision.parts.perInstance,
      slots: request.finals.length,
    });
    this.#checks.onAdmit(request);
    this.#world.between();
    return decision;
  }

  #decide(request: Request): { decision: Decision; predicted: Request['predicted'] } {
    const { store, guardedNow } = this.#world;
    const { perInstance, basis } = expectationOf(store, request);
    const decision = decideAdmission({
      count: request.finals.length,
      perInstance,
      basis,
      safetyFactor: HOST.safetyFactor,
      replicas: null,
      space: this.#world.space(),
      reserved: store.reserved,
      growth: store.growth(guardedNow),
      floor: HOST.floor,
      instances: store.instances.size,
      maxInstances: HOST.retention.maxInstances,
    });
    return { decision, predicted: perInstance };
  }

  #release(request: Request): void {
    const { store, now } = this.#world;
    store.starts = [...recentStarts(store.starts, now), { at: now, count: request.finals.length }];
    request.step = 'release';
    request.heldAt = null;
    request.heldTrue = null;
    this.#world.workAfter(SPAWN_MS, () => this.#spawn(request));
  }

  /** Spawns the next instance of a request. */
  #spawn(request: Request): void {
    const world = this.#world;
    const { store, now } = world;
    if (request.step !== 'release') return;
    const note = (end: 'success' | 'host-failure' | 'refusal') => {
      store.breaker = noteSpawn(store.breaker, { request: request.id, end, now, terms: HOST.breaker });
    };
    world.between();
    const outcome = admitInstance(world, request);
    if (outcome !== 'all-there') note(outcome);
    if (outcome === 'all-there') this.#settle(request);
    else if (outcome === 'host-failure') this.#undo(request, 'failed', 'the host cannot spawn');
    else if (outcome === 'refusal') this.#undo(request, 'preflight', 'no space');
    else world.workAfter(SPAWN_MS, () => this.#spawn(request));
  }

  #settle(request: Request): void {
    const { store } = this.#world;
    for (const instance of store.instances.values()) {
      if (instance.request === request) instance.state = 'ready';
    }
    this.#world.between();
    store.reservations.delete(request.id);
    request.step = 'running';
    this.onReady(request);
  }

  #undo(request: Request, undoTo: Request['undoTo'], reason: string): void {
    Object.assign(request, { step: 'undo', undoTo, reason });
    removeRequest(this.#world, request);
    if (undoTo === 'failed') {
      this.#end(request, 'failed', reason);
    } else {
      request.step = 'preflight';
      this.#hold(request, reason);
    }
  }

  #hold(request: Request, reason: string): void {
    request.reason = reason;
    request.heldAt ??= this.#world.now;
    request.heldTrue ??= this.#world.agenda.now;
  }

  #end(request: Request, end: 'failed' | 'rejected', reason: string): void {
    request.step = 'ended';
    this.#world.store.requests.delete(request.id);
    this.#checks.onEnd(request, end, reason);
    request.onEnd(end);
  }
}
