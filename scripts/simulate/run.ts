import { isWorse } from '@spica/core';
import { type Below, Checks, type Use } from './checks.ts';
import { Gate } from './gate.ts';
import { execute, finishDeletions, planPrune } from './pruner.ts';
import { seeded } from './random.ts';
import { Runner } from './runner.ts';
import { samplePass, watchDisk } from './sampler.ts';
import { DAY, drawBurst, HOUR, MINUTE, type Troubles } from './scenario.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly days: number;
  /** How many times the usual number of requests: 1 for a tournament in 10 hours and a small job in 45 minutes. */
  readonly load: number;
  readonly troubles: Troubles;
}

/** What came of a simulation. */
export interface Outcome {
  readonly ends: { readonly done: number; readonly failed: number; readonly rejected: number };
  readonly everHeld: number;
  /** Held although perfect knowledge would have admitted them. */
  readonly wronglyHeld: number;
  /** From submission to admission, ascending. */
  readonly waitsMs: readonly number[];
  readonly below: Below;
  readonly lowestBytes: number;
  readonly criticals: number;
  readonly crashes: number;
  readonly clockChanges: number;
  readonly violations: readonly string[];
  /** One for every half hour. */
  readonly uses: readonly Use[];
}

/** When nothing more is submitted, all that waits must be served within this time. */
const DRAIN_MS = 4 * DAY;

/** Runs a pool through so many days. The same options give the same outcome. */
export function simulate({ seed, days, load, troubles }: SimulationOptions): Outcome {
  const world = new World(seeded(seed), troubles);
  const checks = new Checks(world);
  const gate = new Gate(world, checks);
  const runner = new Runner(world, gate, checks);
  const endTrue = days * DAY;
  const counts = { criticals: 0, clockChanges: 0 };
  world.onStart = () => {
    finishDeletions(world);
    gate.takeUp();
  };

  repeat(
    world,
    () => MINUTE,
    Number.POSITIVE_INFINITY,
    () => {
      checks.look();
      world.work(() => {
        samplePass(world);
        const worse = watchDisk(world);
        if (worse === 'critical') counts.criticals += 1;
        if (isWorse(world.store.level, 'short')) gate.cancelSpawns();
        if (isWorse(world.store.level, 'ok')) execute(world, planPrune(world));
        gate.wake();
      });
    },
  );
  repeat(
    world,
    () => 10 * MINUTE,
    Number.POSITIVE_INFINITY,
    () => world.work(() => execute(world, planPrune(world))),
  );
  repeat(
    world,
    () => HOUR / 2,
    endTrue,
    () => checks.draw(),
  );
  arrangeTroubles(world, runner, endTrue, counts);
  runner.start(endTrue, load);
  while (world.agenda.step(endTrue));
  while (world.store.requests.size > 0 && world.agenda.step(endTrue + DRAIN_MS));
  checks.close();
  const { ends, everHeld, wronglyHeld, below, lowestBytes, violations, uses } = checks;
  const waitsMs = checks.waitsMs.toSorted((a, b) => a - b);
  const { crashes } = world;
  return { ends, everHeld, wronglyHeld, waitsMs, below, lowestBytes, ...counts, crashes, violations, uses };
}

function repeat(world: World, waitMs: () => number, endTrue: number, act: () => void): void {
  world.agenda.after(waitMs(), () => {
    if (world.agenda.now > endTrue) return;
    act();
    repeat(world, waitMs, endTrue, act);
  });
}

function arrangeTroubles(
  world: World,
  { templates }: Runner,
  endTrue: number,
  counts: { clockChanges: number },
): void {
  const { random, troubles, agenda } = world;
  const atRandom = (meanMs: number, act: () => void) =>
    repeat(world, () => random.exponential(meanMs), endTrue, act);
  if (troubles.others) {
    atRandom(7 * HOUR, () => {
      world.forgetBursts();
      world.bursts.push(drawBurst(random, agenda.now));
    });
  }
  if (troubles.wrongProfiles) {
    atRandom(6 * DAY, () => {
      templates.tournament.shift = random.between(0.6, 1.5);
    });
  }
  if (troubles.crashes) {
    atRandom(6 * DAY, () => {
      world.hostIsBroken = true;
      agenda.after(random.between(5, 40) * MINUTE, () => {
        world.hostIsBroken = false;
      });
    });
  }
  if (troubles.clockChanges) {
    atRandom(6 * DAY, () => {
      counts.clockChanges += 1;
      world.clockOffsetMs += random.pick([1, -1, 26, -26]) * HOUR;
      world.clockChangedTrue = agenda.now;
      agenda.after(2 * HOUR, () => {
        world.confirmedOffsetMs = world.clockOffsetMs;
      });
    });
  }
}
