import type { ScheduleName } from '@spica/catalog';
import {
  type Amount,
  type DiskPoint,
  type Forecast,
  floorOf,
  forecastFloor,
  messageOf,
  type PressureLevel,
  poolFloor,
  type Space,
  TREND_WINDOW_MS,
  withDeadline,
} from '@spica/core';
import type { ImageHost } from '@spica/pool';
import { countWorkers, QUEUE_NAMES, type QueueName } from '@spica/queues';
import type { ServerPool } from './pool.ts';

/** How long a look at one pool may take; a scrape or a health check gives up after 10 s as a rule. */
const POOL_MS = 3_000;
/** Less, so that a disk that hangs (a server that is gone) leaves the other figures. */
const DISK_MS = 2_000;
/** The worker looks every few seconds: what it said longer ago says nothing of now. */
const USE_MS = 10 * 60_000;

/** How a pool stands, as one look saw it. */
export interface PoolFigures {
  readonly queues: Readonly<Record<QueueName, QueueFigures>>;
  readonly instances: number;
  readonly reserved: Amount;
  /** What live instances are still expected to add. */
  readonly growthBytes: number;
  /** Instances at their caps; null in a pool that has none. */
  readonly atCap: number | null;
  /** Bytes that are charged to no instance that is there; null in a pool without caps. */
  readonly orphanedBytes: number | null;
  readonly held: {
    readonly requests: number;
    /** Since when the longest held one waits, epoch milliseconds; null when none is held. */
    readonly oldestAt: number | null;
  };
  readonly disk: DiskFigures | { readonly problem: string };
  /** As the pool's worker last saw it; null before the first look. */
  readonly pressure: PressureLevel | null;
  readonly forecast: Forecast;
  /** When what repeats was last done, epoch milliseconds. */
  readonly lastRuns: Partial<Record<ScheduleName, number>>;
  /** Whether the gate holds all requests as spawns fail; null where nobody has served the pool yet. */
  readonly isBreakerOpen: boolean | null;
  /** Who uses the disk, as the pool's worker last saw it; null where that is not known, or out of date. */
  readonly use: DiskPoint | null;
}

export interface QueueFigures {
  /** By state: waiting, active, delayed, … */
  readonly jobs: Readonly<Record<string, number>>;
  /** Null where Redis does not tell. */
  readonly workers: number | null;
}

export interface DiskFigures {
  readonly space: Space;
  readonly floor: { readonly bytes: number; readonly inodes: number };
  /** The disk that the pool's image lies on, where it takes more of it as it fills; else null. */
  readonly imageHost: (ImageHost & { readonly floorBytes: number }) | null;
}

/**
 * Reads a pool's figures as of `now` (epoch milliseconds) from its queues, its catalog and its disk, or says why there
 * are none. Changes nothing, and ends within 3 s. A disk that cannot be looked at is a figure too.
 */
export async function tryReadFigures(
  pool: ServerPool,
  now: number,
): Promise<{ figures: PoolFigures; problem: null } | { figures: null; problem: string }> {
  try {
    const figures = await withDeadline(readFigures(pool, now), POOL_MS, `pool ${pool.policy.name}`);
    return { figures, problem: null };
  } catch (error) {
    return { figures: null, problem: messageOf(error) };
  }
}

async function readFigures(pool: ServerPool, now: number): Promise<PoolFigures> {
  const { policy, catalog } = pool;
  const [queues, published, instances, pressure, history, disk, lastRuns] = await Promise.all([
    readQueues(pool),
    catalog.publishedGate(),
    catalog.count(),
    catalog.pressure(),
    catalog.diskHistory(now - TREND_WINDOW_MS),
    readDisk(pool),
    catalog.lastRuns(),
  ]);
  return {
    queues,
    instances,
    reserved: published?.sums.reserved ?? { bytes: 0, inodes: 0, slots: 0 },
    growthBytes: published?.sums.growth.bytes ?? 0,
    atCap: published?.atCap ?? null,
    orphanedBytes: published?.orphanedBytes ?? null,
    held: { requests: published?.heldCount ?? 0, oldestAt: published?.held[0]?.heldAt ?? null },
    disk,
    lastRuns,
    isBreakerOpen: published && published.limits.breaker.openedAt !== null,
    use: latest(history, now),
    pressure: pressure?.level ?? null,
    forecast: forecastFloor({
      history,
      floorBytes: 'problem' in disk ? floorOf(policy.disk, null).bytes : disk.floor.bytes,
      now,
      windowMs: TREND_WINDOW_MS,
    }),
  };
}

function latest(history: readonly DiskPoint[], now: number): DiskPoint | null {
  const last = history.at(-1);
  return last !== undefined && now - last.at <= USE_MS ? last : null;
}

async function readQueues({ queues, redis, policy }: ServerPool): Promise<PoolFigures['queues']> {
  const workers = await countWorkers(redis, policy.name);
  const figures = QUEUE_NAMES.map(async (name) => {
    const jobs = await queues[name].getJobCounts();
    return [name, { jobs, workers: workers[name] }] as const;
  });
  return Object.fromEntries(await Promise.all(figures)) as Record<QueueName, QueueFigures>;
}

async function readDisk({ policy, readSpace, readImage }: ServerPool): Promise<PoolFigures['disk']> {
  try {
    const reading = Promise.all([readSpace(), readImage()]);
    const [space, image] = await withDeadline(reading, DISK_MS, `the disk of pool ${policy.name}`);
    const floor = poolFloor(policy.disk, space, image.inImage);
    const floorBytes = floorOf(policy.disk, null).bytes;
    return { space, floor, imageHost: image.host && { ...image.host, floorBytes } };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
