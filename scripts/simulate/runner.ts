import type { Checks } from './checks.ts';
import type { Pool } from './pool.ts';
import { DAY, drawFinal, HOST, HOUR, MINUTE, type Template, type Templates } from './scenario.ts';
import type { Asked, Request } from './store.ts';
import type { World } from './world.ts';

const CANDIDATES = 8;
const GENERATIONS = 4;

/** Submits requests and uses the instances: tournaments of 8 × 4, and small jobs beside them. */
export class Runner {
  readonly #world: World;
  readonly #pool: Pool;
  readonly #checks: Checks;
  #requests = 0;
  #tournaments = 0;

  readonly #templates: Templates;
  /** Called when leases were released: others may use the room. */
  readonly #onFreed: () => void;

  constructor(
    world: World,
    parts: { pool: Pool; checks: Checks; templates: Templates; onFreed: () => void },
  ) {
    this.#world = world;
    this.#pool = parts.pool;
    this.#checks = parts.checks;
    this.#templates = parts.templates;
    this.#onFreed = parts.onFreed;
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
    const template = random.chance(0.15) ? this.#templates.files : this.#templates.tournament;
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
    const template = this.#templates.small;
    const length = random.pick([1, 2, 3]);
    const finals = Array.from({ length }, () => drawFinal(random, template, 1, !troubles.wrongProfiles));
    this.#submit(
      { template, experiment: null, finals, runMs: random.between(5, 30) * MINUTE },
      () => undefined,
    );
  }

  #submit(asked: Asked, onDone: () => void): void {
    const { agenda } = this.#world;
    this.#requests += 1;
    this.#pool.submit({
      ...asked,
      id: `r${this.#requests}`,
      submittedTrue: agenda.now,
      step: 'new',
      heldAt: null,
      reason: '',
      admitted: null,
      undoTo: 'failed',
      heldTrue: null,
      admittedTrue: null,
      admissible: false,
      wronglyHeld: false,
      onReady: (request) => this.#use(request),
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
      this.#lease(request, this.#world.guardedNow + HOST.leaseMs);
      agenda.after(Math.min(HOST.leaseMs / 3, Math.min(diesTrue, endTrue) - agenda.now), renew);
    };
    renew();
  }

  /** The runner of a request releases its leases, or has died; then they expire by themselves. */
  #finish(request: Request, hasDied: boolean): void {
    const { agenda } = this.#world;
    const { store } = this.#pool;
    if (hasDied) {
      for (const instance of store.instancesOf(request))
        instance.stopsTrue = Math.min(instance.stopsTrue, agenda.now);
    } else {
      this.#lease(request, null);
    }
    request.step = 'ended';
    store.requests.delete(request.id);
    this.#checks.onEnd(request, 'done', '');
    if (hasDied) return;
    this.#onFreed();
    this.#pinWinner(request);
    request.onEnd('done');
  }

  /** Renews the leases of a request until `endsAt`, or (null) releases them. */
  #lease(request: Request, endsAt: number | null): void {
    const { now, agenda } = this.#world;
    const instances = this.#pool.store.instancesOf(request);
    for (const instance of instances) {
      instance.leaseEndsAt = endsAt;
      instance.leaseEndsTrue = agenda.now + (endsAt === null ? 0 : HOST.leaseMs);
      if (endsAt !== null) instance.lastLeasedAt = now;
    }
    this.#pool.followLeases(instances);
  }

  #pinWinner(request: Request): void {
    const { random, agenda } = this.#world;
    const winner = this.#pool.store.instances.get(`${request.id}-0`);
    if (winner === undefined || request.experiment === null || !random.chance(0.1)) return;
    winner.pinned = true;
    agenda.after(2 * DAY, () => {
      winner.pinned = false;
    });
  }
}
