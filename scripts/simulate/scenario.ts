import type { GateTerms, Size } from '@spica/core';
import type { Random } from './random.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The host of the simulation, and the pool's settings there. */
export const HOST = {
  totalBytes: 144e9,
  totalInodes: 9_000_000,
  /** What others have on it for good. */
  othersBytes: 20e9,
  floor: { bytes: 20e9, inodes: 450_000 },
  targetFreeGb: null,
  safetyFactor: 1.1,
  priorFactor: 2,
  growthWindowMs: 6 * HOUR,
  /** Longer than any wait: nothing is rejected for having waited. */
  maxWaitMs: 30 * DAY,
  spawnsAtOnce: 4,
  sample: { leastMs: MINUTE, mostMs: HOUR },
  leaseMs: 10 * MINUTE,
  retention: {
    maxInstances: 60,
    maxAgeMs: 3 * DAY,
    maxPerExperiment: null,
    keepBest: 0,
    minAgeMs: 0,
    keepAfterLeaseMs: DAY,
    order: 'oldest',
  },
} as const;

/** What the gate follows. */
export const TERMS: GateTerms = {
  barrierAfterMs: MINUTE,
  breaker: { failures: 3, cooldownMs: 5 * MINUTE },
  maxSpawnsPerHour: 400,
  maxWaiting: 500,
  maxInstances: HOST.retention.maxInstances,
};

/** All that may go wrong, as often as it may in a bad month. */
export const EVERYTHING: Troubles = {
  others: true,
  snatched: 1 / 200,
  crashes: true,
  clockChanges: true,
  wrongProfiles: true,
  edits: true,
};

/** What may go wrong in a run. */
export interface Troubles {
  /** Others fill the disk and free it again. */
  readonly others: boolean;
  /** In such a share of all admissions others take the room before it can be used. */
  readonly snatched: number;
  /** The worker is killed between any two steps; the host fails to spawn for a while. */
  readonly crashes: boolean;
  readonly clockChanges: boolean;
  /** Instances become larger than all that were before, and templates change their ways. */
  readonly wrongProfiles: boolean;
  /** Templates are edited: their snapshots have to be prepared again. */
  readonly edits: boolean;
}

/** A template as it really is, which no rule may look at. */
export interface Template {
  readonly name: string;
  readonly clone: Size;
  /** Half of its instances grow by more than this. */
  readonly medianGrowthBytes: number;
  /** How heavy the tail is. */
  readonly sigma: number;
  /** By how much it changed its ways. */
  shift: number;
  /** Each edit makes another. */
  version: number;
}

/** No instance becomes larger, or grows in more files than these times its clone's. */
const MOST_BYTES = 10e9;
const MOST_INODE_FACTOR = 2;

export type Templates = Readonly<Record<'tournament' | 'files' | 'small', Template>>;

export function newTemplates(): Templates {
  return {
    tournament: template('tournament', 0.5e9, 20_000, 1.4e9, 0.5),
    files: template('files', 0.3e9, 120_000, 0.5e9, 0.4),
    small: template('small', 0.05e9, 800, 0.06e9, 0.7),
  };
}

function template(
  name: string,
  bytes: number,
  inodes: number,
  medianGrowthBytes: number,
  sigma: number,
): Template {
  return { name, clone: { bytes, inodes }, medianGrowthBytes, sigma, shift: 1, version: 1 };
}

/** What an instance will have become. `steady`: only as large as its template's instances always were. */
export function drawFinal(
  random: Random,
  { clone, medianGrowthBytes, sigma, shift }: Template,
  experimentFactor: number,
  steady: boolean,
): Size {
  const drawn = random.logNormal(medianGrowthBytes * (steady ? 1 : shift * experimentFactor), sigma);
  const grown = steady ? Math.min(drawn, 2 * medianGrowthBytes) : drawn;
  const bytes = Math.round(Math.min(MOST_BYTES, clone.bytes + grown));
  const factor = Math.min(MOST_INODE_FACTOR, 1 + (0.3 * (bytes - clone.bytes)) / medianGrowthBytes);
  return { bytes, inodes: Math.round(clone.inodes * factor) };
}

/** Others write so much within `rampMs`, and free it at once at `endsAt`. */
export interface Burst {
  readonly startsAt: number;
  readonly rampMs: number;
  readonly bytes: number;
  readonly endsAt: number;
}

/** Others take so much within seconds that the disk is below its floor, or nearly full. */
export function drawSnatch(random: Random, now: number, availableBytes: number): Burst {
  const leave = HOST.floor.bytes * random.between(0.2, 1);
  return {
    startsAt: now,
    rampMs: random.between(1_000, MINUTE),
    bytes: Math.max(0, availableBytes - leave),
    endsAt: now + random.between(0.1, 1) * HOUR,
  };
}

/** Mostly some GB for some hours; one in forty takes what there is. */
export function drawBurst(random: Random, now: number): Burst {
  const giant = random.chance(1 / 40);
  return {
    startsAt: now,
    rampMs: random.between(2, 30) * MINUTE,
    bytes: giant ? random.between(70e9, 95e9) : random.between(1e9, 15e9),
    endsAt: now + random.between(0.6, giant ? 1.5 : 4) * HOUR,
  };
}
