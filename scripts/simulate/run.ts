import { FilesystemTotals } from '@spica/core';
import { type Below, Checks, type Use } from './checks.ts';
import { Pool } from './pool.ts';
import { seeded } from './random.ts';
import { Runner } from './runner.ts';
import {
  DAY,
  drawBurst,
  HOST,
  HOUR,
  MINUTE,
  newTemplates,
  type Templates,
  type Troubles,
} from './scenario.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly days: number;
  /** How many times the usual number of requests: 1 for a tournament in 10 hours and a small job in 45 minutes. */
  readonly load: number;
  /** Pools on the one filesystem, which share the load; 1 unless given. */
  readonly pools?: number;
  /** The disk's, where they are to be scarce; so many that bytes run out first unless given. */
  readonly totalInodes?: number;
  readonly troubles: Troubles;
}

/** What came of a simulation. */
export interface Outcome {
  readonly ends: { readonly done: number; readonly failed: number; readonly rejected: number };
  readonly everHeld: number;
  /** Held although perfect knowledge would have admitted them. */
  readonly wronglyHeld: number;
  /** Requests that were held again after their admission, since others had taken the room. */
  readonly sentBack: number;
  /** Preparations of templates that were begun. */
  readonly prepared: number;
  /** From submission to the last admission, ascending. */
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
/** A pool that shares its disk waits for what the other keeps, until that is too old: in each of four generations. */
const SHARED_DRAIN_MS = 4 * DRAIN_MS;

/** Runs pools through so many days. The same options give the same outcome. */
export function simulate(options: SimulationOptions): Outcome {
  const { seed, days, load, pools = 1, totalInodes = HOST.totalInodes, troubles } = options;
  const world = new World(seeded(seed), troubles, totalInodes);
  const checks = new Checks(world);
  const templates = newTemplates();
  const served = Array.from({ length: pools }, () => new Pool(world, checks));
  const endTrue = days * DAY;
  const counts = { criticals: 0, clockChanges: 0 };
  const onFreed = () =>
    world.work(() => {
      for (const pool of served) pool.wake();
    });
  world.onKilled = () => {
    for (const pool of served) pool.die();
  };
  world.onStart = () => startWorker(served, onFreed);
  world.onStart();

  arrangeWork(world, { served, checks, counts, onFreed });
  repeat(
    world,
    () => HOUR / 2,
    endTrue,
    () => checks.draw(),
  );
  arrangeTroubles(world, templates, endTrue, counts);
  for (const pool of served)
    new Runner(world, { pool, checks, templates, onFreed }).start(endTrue, load / pools);
  const isBusy = () => served.some(({ store }) => store.requests.size > 0);
  while (world.agenda.step(endTrue));
  const drainMs = pools === 1 ? DRAIN_MS : SHARED_DRAIN_MS;
  while (isBusy() && world.agenda.step(endTrue + drainMs));
  checks.close();
  return outcomeOf(world, checks, counts);
}

/** What the worker does by itself, and who watches it. */
function arrangeWork(
  world: World,
  parts: { served: readonly Pool[]; checks: Checks; counts: { criticals: number }; onFreed: () => void },
): void {
  const { served, checks, counts, onFreed } = parts;
  const every = (ms: number, act: () => void) => repeat(world, () => ms, Number.POSITIVE_INFINITY, act);
  every(MINUTE, () => {
    checks.watch();
    world.work(() => {
      const critical = served.filter((pool) => pool.tick());
      if (critical.length > 0) counts.criticals += 1;
    });
  });
  every(10 * MINUTE, () =>
    world.work(() => {
      if (served.filter((pool) => pool.prune()).length > 0) onFreed();
    }),
  );
}

/** One process serves all pools of the filesystem, so their ledgers share its totals. */
function startWorker(pools: readonly Pool[], onFreed: () => void): void {
  const filesystem = new FilesystemTotals();
  for (const pool of pools) pool.serve(filesystem, onFreed);
  for (const pool of pools) pool.start();
}

function outcomeOf(
  { crashes }: World,
  checks: Checks,
  counts: Pick<Outcome, 'criticals' | 'clockChanges'>,
): Outcome {
  const { ends, everHeld, wronglyHeld, sentBack, prepared, below, lowestBytes, violations, uses } = checks;
  const waitsMs = checks.waitsMs.toSorted((a, b) => a - b);
  const held = { everHeld, wronglyHeld, sentBack, waitsMs };
  return { ends, ...held, prepared, below, lowestBytes, ...counts, crashes, violations, uses };
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
  templates: Templates,
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
  if (troubles.edits) {
    atRandom(2 * DAY, () => {
      random.pick([templates.tournament, templates.files, templates.small]).version += 1;
    });
  }
  if (troubles.crashes) {
    atRandom(6 * DAY, () => {
      world.hostIsBroken = true;
      world.hostWasBroken = true;
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
