import {
  afterAdmission,
  afterSpawn,
  certainShortfall,
  type Decision,
  type GateFacts,
  hasLanded,
  type Shortage,
  type SpawnEnd,
  type Step,
} from '@spica/core';
import { type DiskReading, readDisk, stepFor } from './facts.ts';
import { noteHold } from './oracle.ts';
import { Preparer } from './preparer.ts';
import { planPrune, reclaim, removeRequest } from './pruner.ts';
import { TERMS } from './scenario.ts';
import { needOf, type Serving } from './serving.ts';
import { Spawner } from './spawner.ts';
import type { Request } from './store.ts';

/** Reading the disk takes so long: clones may land until the decision is made. */
const READ_MS = 200;
const PRUNE_MS = 1_000;

/** What was gathered before a decision. */
interface Reading extends DiskReading {
  /** How often the line had been woken until then. */
  readonly wakes: number;
  /** Retention has just made room for the request, and makes no more before it was held. */
  readonly reclaimed: boolean;
}

/** The gatekeeper: gathers facts, asks the core's `step`, and carries it out. All it remembers dies with its worker. */
export class Gate {
  readonly #serving: Serving;
  readonly #preparer: Preparer;
  readonly #spawner: Spawner;
  readonly #line = new Set<Request>();
  /** Requests that are being decided. */
  readonly #busy = new Set<Request>();
  readonly #onFreed: () => void;
  #wakes = 0;

  /** @param onFreed Called when bytes, inodes or slots came free that held requests may use. */
  constructor(serving: Serving, onFreed: () => void) {
    this.#serving = serving;
    this.#onFreed = onFreed;
    this.#preparer = new Preparer(serving);
    this.#spawner = new Spawner(serving, {
      onEnd: (request, end) => this.#spawnEnded(request, end),
      onComplete: (request) => this.#complete(request),
    });
  }

  /** Takes up what the last worker left, as its jobs' data say. */
  start(): void {
    const requests = [...this.#serving.store.requests.values()];
    for (const request of requests) if (request.step === 'held') this.#line.add(request);
    for (const request of requests) this.take(request);
  }

  /** A request's job runs, unless it does already. */
  take(request: Request): void {
    if (request.step === 'admitted') this.#spawner.add(request);
    else if (request.step === 'undoing') this.#undo(request, request.undoTo, request.reason);
    else if (request.step === 'new' || request.step === 'held') this.#decideSoon(request);
  }

  /** Something came free: the head of the line is decided anew, and those behind it as long as they fit. */
  wake(): void {
    this.#wakes += 1;
    this.#callNext();
  }

  /** The fallback: all that are held are decided anew. */
  poll(): void {
    for (const request of this.#held()) this.#decideSoon(request);
  }

  /** The disk is nearly full: clones in progress are undone, and their requests held. */
  cancelSpawns(): void {
    for (const request of [...this.#serving.store.requests.values()]) {
      if (request.step === 'admitted') this.#undo(request, 'held', 'the disk is nearly full');
    }
  }

  /** In the order in which they were submitted. */
  #held(): Request[] {
    return [...this.#serving.store.requests.values()].filter((request) => this.#line.has(request));
  }

  #callNext(): void {
    const head = this.#held()[0];
    if (head) this.#decideSoon(head);
  }

  #decideSoon(request: Request): void {
    if (this.#busy.has(request)) return;
    this.#busy.add(request);
    this.#gather(request, false);
  }

  #gather(request: Request, reclaimed: boolean): void {
    const reading = { ...readDisk(this.#serving), wakes: this.#wakes, reclaimed };
    this.#serving.world.workAfter(READ_MS, () => this.#decide(request, reading));
  }

  #decide(request: Request, reading: Reading): void {
    const { ledger } = this.#serving;
    let found = this.#step(request, reading, null);
    if (found.do === 'hold' && found.shortage !== null) {
      if (hasLanded(reading, ledger.filesystem.landed.size)) {
        // What was on the disk when it was read, and committed later, counts twice; not so in a new reading.
        this.#gather(request, reading.reclaimed);
        return;
      }
      const relief = { reclaims: !reading.reclaimed && this.#canReclaim(found.shortage), help: '' };
      found = this.#step(request, reading, relief);
    }
    this.#carryOut(request, found, reading);
  }

  #step(request: Request, reading: Reading, relief: GateFacts['relief']): Step {
    const preparation = this.#preparer.sizeOf(request.template);
    return stepFor(this.#serving, request, reading, { line: this.#held(), preparation, relief });
  }

  #canReclaim(shortage: Shortage): boolean {
    const { sufficient, deletes } = planPrune(this.#serving, this.#certain(shortage));
    return sufficient && deletes.length > 0;
  }

  /** What room has to be made for: nothing goes for what clones under way may count twice. */
  #certain({ need, shortfall }: Shortage): Shortage {
    return { need, shortfall: certainShortfall(shortfall, this.#serving.ledger.filesystem.cloning.size) };
  }

  #carryOut(request: Request, found: Step, reading: Reading): void {
    const { world } = this.#serving;
    if (found.do === 'admit') {
      this.#admit(request, found.decision, reading);
    } else if (found.do === 'prepare') {
      this.#preparer.prepare(request.template, () => this.#gather(request, reading.reclaimed));
    } else if (found.do === 'reclaim') {
      world.workAfter(PRUNE_MS, () => {
        reclaim(this.#serving, this.#certain(found.shortage));
        this.#gather(request, true);
      });
    } else if (found.do === 'hold') {
      noteHold(this.#serving, request, { step: found, held: this.#held() });
      this.#hold(request, found.reason);
      // Something came free since the disk was read.
      if (this.#wakes !== reading.wakes) this.#decideSoon(request);
    } else {
      this.#end(request, 'rejected', found.reason);
    }
  }

  /** The reservation comes first, in the same moment as the decision; what Redis keeps follows. */
  #admit(request: Request, decision: Decision, { readTrue }: Reading): void {
    const { world, store, ledger, checks } = this.#serving;
    const { id, finals } = request;
    const count = finals.length;
    const each = decision.parts.perInstance;
    const expected = needOf(store, request).perInstance;
    ledger.reserve(id, each, count);
    world.between();
    store.limits = afterAdmission(store.limits, { request: id, count, now: world.now, countStarts: true });
    world.between();
    checks.onAdmit(store, request, { need: decision.need, readTrue });
    Object.assign(request, { step: 'admitted', admitted: { each, expected } });
    this.#leaveLine(request);
    world.snatchAtTimes();
    world.between();
    this.#spawner.add(request);
  }

  #leaveLine(request: Request): void {
    this.#busy.delete(request);
    if (this.#line.delete(request)) this.#callNext();
  }

  #spawnEnded(request: Request, end: SpawnEnd): void {
    const { world, store, checks } = this.#serving;
    store.limits = afterSpawn(store.limits, {
      request: request.id,
      end,
      now: world.now,
      terms: TERMS.breaker,
    });
    checks.onSpawnEnd(store);
    if (end === 'refusal') this.#undo(request, 'held', 'no space');
    else if (end === 'host-failure') this.#undo(request, 'failed', 'the host cannot spawn');
  }

  #complete(request: Request): void {
    const { world, store, ledger } = this.#serving;
    for (const instance of store.instancesOf(request)) instance.state = 'ready';
    world.between();
    request.step = 'running';
    ledger.giveBack(request.id);
    request.onReady(request);
    this.#onFreed();
  }

  #undo(request: Request, undoTo: Request['undoTo'], reason: string): void {
    const { world, ledger, checks } = this.#serving;
    Object.assign(request, { step: 'undoing', undoTo, reason });
    world.between();
    this.#spawner.drop(request);
    removeRequest(this.#serving, request);
    world.between();
    ledger.giveBack(request.id);
    this.#onFreed(); // not for itself: it waits at least until something else comes free, or for the next poll
    if (undoTo === 'held') {
      checks.sentBack += 1;
      this.#hold(request, reason);
    } else {
      this.#end(request, 'failed', reason);
    }
  }

  #hold(request: Request, reason: string): void {
    const { now, agenda } = this.#serving.world;
    Object.assign(request, { step: 'held', reason, admitted: null });
    request.heldAt ??= now;
    request.heldTrue ??= agenda.now;
    this.#line.add(request);
    this.#busy.delete(request);
  }

  #end(request: Request, end: 'failed' | 'rejected', reason: string): void {
    const { store, checks } = this.#serving;
    request.step = 'ended';
    store.requests.delete(request.id);
    this.#leaveLine(request);
    checks.onEnd(request, end, reason);
    request.onEnd(end);
  }
}
