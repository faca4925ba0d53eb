import type { PoolConfig } from '../config/config.ts';

/** How short a disk is of room, from plenty to nothing; and last, one that takes no writes at all. */
export const PRESSURE_LEVELS = ['ok', 'low', 'short', 'critical', 'unwritable'] as const;
export type PressureLevel = (typeof PRESSURE_LEVELS)[number];

/** What is free, and where the levels begin: each below its figure. In bytes, or in inodes. */
export interface PressureFigures {
  readonly free: number;
  readonly target: number;
  readonly floor: number;
  readonly critical: number;
}

/** A level is left when there is so much more than where it began, so that it does not flicker. */
const MARGIN = 0.05;

/** Half as much again as the floor, where no target is set. */
const TARGET_OF_FLOOR = 1.5;
/** Below this a disk is critical too, if its floor is higher than this at all. */
const CRITICAL_BYTES = 2e9;
/** With less than this nothing works, whatever the floor. */
const FULL_BYTES = 1e6;

/**
 * Where a pool's levels of free bytes begin: low below `target_free_gb` (null: 1.5 floors), short below the floor,
 * critical below half the floor or 2 GB. The 2 GB hold only for a floor above them: a pool of 256 MB would never be
 * anything else. A disk with less than 1 MB is critical even without a floor.
 */
export function byteLevels(
  { targetFreeGb }: Pick<PoolConfig['disk'], 'targetFreeGb'>,
  freeBytes: number,
  floorBytes: number,
): PressureFigures {
  return {
    free: freeBytes,
    target: targetFreeGb === null ? floorBytes * TARGET_OF_FLOOR : targetFreeGb * 1e9,
    floor: floorBytes,
    critical: Math.max(floorBytes / 2, floorBytes > CRITICAL_BYTES ? CRITICAL_BYTES : 0, FULL_BYTES),
  };
}

/** The same of inodes: low below 1.5 floors, critical below half the floor. */
export function inodeLevels(freeInodes: number, floorInodes: number): PressureFigures {
  return {
    free: freeInodes,
    target: floorInodes * TARGET_OF_FLOOR,
    floor: floorInodes,
    critical: floorInodes / 2,
  };
}

/**
 * The level that follows `previous`, by what is shortest (bytes, inodes). A worse one is entered at once; a level is
 * left only with a margin of 5 % over where it begins.
 */
export function nextLevel(previous: PressureLevel, figures: readonly PressureFigures[]): PressureLevel {
  const entered = worst(figures.map((each) => levelAt(each, 0)));
  const held = worst(figures.map((each) => levelAt(each, MARGIN)));
  return worst([entered, isWorse(held, previous) ? previous : held]);
}

/** Whether no clone may be begun, or go on, at this level. */
export function stopsSpawns(level: PressureLevel): boolean {
  return isWorse(level, 'short');
}

/** Whether `level` is worse than `other`. */
export function isWorse(level: PressureLevel, other: PressureLevel): boolean {
  return PRESSURE_LEVELS.indexOf(level) > PRESSURE_LEVELS.indexOf(other);
}

function levelAt({ free, target, floor, critical }: PressureFigures, margin: number): PressureLevel {
  const below = (limit: number) => free < limit * (1 + margin);
  if (below(critical)) return 'critical';
  if (below(floor)) return 'short';
  return below(target) ? 'low' : 'ok';
}

function worst(levels: readonly PressureLevel[]): PressureLevel {
  return levels.reduce<PressureLevel>((found, level) => (isWorse(level, found) ? level : found), 'ok');
}
