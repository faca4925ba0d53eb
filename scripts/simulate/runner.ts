import type { Checks } from './checks.ts';
import { expectedGrowth } from './expectation.ts';
import type { Gate } from './gate.ts';
import { DAY, drawFinal, HOST, HOUR, MINUTE, type Template, templates } from './scenario.ts';
import type { Instance, Request } from './store.ts';
import type { World } from './world.ts';

const CANDIDATES = 8;
const GENERATIONS = 4;

/** Whoever submits requests and uses the instances: tournaments of 8 × 4, and small jobs beside them. */
export class Runner {
  readonly #world: World;
  readonly #gate: Gate;
  readonly #checks: Checks;
  readonly templates = templates();
  #requests = 0;
  #tournaments = 0;

  constructor(world: World, gate: Gate, checks: Checks) {
    this.#world = world;
    this.#gate = gate;
    this.#checks = checks;
    gate.onReady = (request) => this.#use(request);
  }

  /** Submits until `endTrue`; `load` times as many as usual. */
  start(endTrue: number, load: number): void {
    this.#every((10 * HOUR) / load, endTrue, () => this.#tournament());
    this.#every((45 * MINUTE) / load, endTrue, () => this.#smallJob());
  }

  #every(meanMs: number, endTrue: number, act: () => void): void {
    const { agenda, random } = this.#world;
    agenda.after(random.exponential(meanMs), () => {
      if (agenda.now >= endTrue) return;
      act();
      this.#every(meanMs, endTrue, act);
    });
  }

  #tournament(): void {
    const { random } = this.#world;
    this.#tournaments += 1;
    const template = random.chance(0.15) ? this.templates.files : this.templates.tournament;
    const factor = random.logNormal(1, 0.2);
    this.#generation(template, `t${this.#tournaments}`, factor, 1);
  }

  #generation(template: Template, experiment: string, factor: number, generation: number): void {
    const { random, agenda, troubles } = this.#world;
    const steady = !troubles.wrongProfiles;
    const finals = Array.from({ length: CANDIDATES }, () => drawFinal(random, template, factor, steady));
    const runMs = Math.min(4 * HOUR, random.logNormal(50 * MINUTE, 0.4));
    this.#submit({ template, experiment, finals, runMs }, () => {
      if (generation >= GENERATIONS) return;
      agenda.after(5 * MINUTE, () => this.#generation(template, experiment, factor, generation + 1));
    });
  }

  #smallJob(): void {
    const { random, troubles } = this.#world;
    const template = this.templates.small;
    const length = random.pick([1, 2, 3]);
    const finals = Array.from({ length }, () => drawFinal(random, template, 1, !troubles.wrongProfiles));
    this.#submit(
      { template, experiment: null, finals, runMs: random.between(5, 30) * MINUTE },
      () => undefined,
    );
  }

  #submit(asked: Pick<Request, 'template' | 'experiment' | 'finals' | 'runMs'>, onDone: () => void): void {
    const { agenda } = this.#world;
    this.#requests += 1;
    this.#gate.submit({
      ...asked,
      id: `r${this.#requests}`,
      submittedTrue: agenda.now,
      step: 'preflight',
      heldAt: null,
      heldTrue: null,
      reason: null,
      predicted: null,
      admissible: false,
      wronglyHeld: false,
      undoTo: 'failed',
      admittedTrue: null,
      onEnd: (end) => {
        if (end === 'done') onDone();
        else if (end === 'failed') agenda.after(10 * MINUTE, () => this.#submit(asked, onDone));
      },
    });
  }

  /** All instances are there: they are used, and their leases renewed, until the run ends or its runner dies. */
  #use(request: Request): void {
    const { agenda, random } = this.#world;
    const endTrue = agenda.now + request.runMs;
    const diesTrue = random.chance(0.04) ? agenda.now + random.between(0, 1) * request.runMs : endTrue;
    const renew = (): void => {
      if (agenda.now >= Math.min(diesTrue, endTrue)) {
        this.#finish(request, diesTrue < endTrue);
        return;
      }
      for (const instance of this.#instancesOf(request))
        this.#lease(instance, this.#world.guardedNow + HOST.leaseMs);
      agenda.after(Math.min(HOST.leaseMs / 3, Math.min(diesTrue, endTrue) - agenda.now), renew);
    };
    renew();
  }

  /** The runner of a request releases its leases, or has died; then they expire by themselves. */
  #finish(request: Request, hasDied: boolean): void {
    const { agenda, store } = this.#world;
    for (const instance of this.#instancesOf(request)) {
      if (hasDied) instance.stopsTrue = Math.min(instance.stopsTrue, agenda.now);
      else this.#lease(instance, null);
    }
    request.step = 'ended';
    store.requests.delete(request.id);
    this.#checks.onEnd(request, 'done', '');
    if (hasDied) return;
    this.#pinWinner(request);
    request.onEnd('done');
  }

  #instancesOf(request: Request): Instance[] {
    return [...this.#world.store.instances.values()].filter((instance) => instance.request === request);
  }

  /** Grants, renews or (null) releases a lease, and says anew what is expected of the instance. */
  #lease(instance: Instance, endsAt: number | null): void {
    const { guardedNow, now, store } = this.#world;
    instance.leaseEndsAt = endsAt;
    if (endsAt !== null) instance.lastLeasedAt = now;
    instance.growth = expectedGrowth(store, instance, guardedNow);
  }

  #pinWinner(request: Request): void {
    const { random, store, agenda } = this.#world;
    const winner = store.instances.get(`${request.id}-0`);
    if (winner === undefined || request.experiment === null || !random.chance(0.1)) return;
    winner.pinned = true;
    agenda.after(2 * DAY, () => {
      winner.pinned = false;
    });
  }
}
