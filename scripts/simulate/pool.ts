import { type FilesystemTotals, isWorse, type PressureLevel } from '@spica/core';
import type { Checks } from './checks.ts';
import { Gate } from './gate.ts';
import { prune } from './pruner.ts';
import { nextPressure, samplePass } from './sampler.ts';
import { beginServing, recount, type Serving } from './serving.ts';
import { type Instance, type Request, Store } from './store.ts';
import type { World } from './world.ts';

/** What a worker is to one pool: everything here but `store` is gone when it is killed. */
interface Served {
  readonly serving: Serving;
  readonly gate: Gate;
  level: PressureLevel;
}

/** One pool, as runners and the host see it: they need not know whether a worker is there. */
export class Pool {
  readonly store = new Store();
  readonly #world: World;
  readonly #checks: Checks;
  #served: Served | null = null;

  constructor(world: World, checks: Checks) {
    this.#world = world;
    this.#checks = checks;
    world.stores.push(this.store);
  }

  /** A new worker builds its ledger from what it finds. `onFreed`: something came free on the filesystem. */
  serve(filesystem: FilesystemTotals, onFreed: () => void): void {
    const serving = beginServing({ world: this.#world, store: this.store, checks: this.#checks }, filesystem);
    this.#served = { serving, gate: new Gate(serving, onFreed), level: 'ok' };
  }

  /** Takes up requests, once the ledgers of all pools are built. */
  start(): void {
    this.#served?.gate.start();
  }

  die(): void {
    this.#served = null;
  }

  submit(request: Request): void {
    this.store.requests.set(request.id, request);
    this.#world.work(() => this.#served?.gate.take(request));
  }

  /** Leases were granted, renewed or released, which a runner writes into Redis itself: the worker follows. */
  followLeases(instances: readonly Instance[]): void {
    const served = this.#served;
    if (served) for (const instance of instances) recount(served.serving, instance);
  }

  wake(): void {
    this.#served?.gate.wake();
  }

  /** What happens each minute. True where the disk has just become critical. */
  tick(): boolean {
    const served = this.#served;
    if (!served) return false;
    const { serving, gate, level: before } = served;
    samplePass(serving);
    served.level = nextPressure(this.#world, before);
    if (isWorse(served.level, 'short')) gate.cancelSpawns();
    if (isWorse(served.level, 'ok')) prune(serving);
    gate.poll();
    return served.level === 'critical' && before !== 'critical';
  }

  /** What the policy says is removed; true where something went. */
  prune(): boolean {
    return this.#served !== null && prune(this.#served.serving);
  }
}
