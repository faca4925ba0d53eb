import type { DiskSeen } from '@spica/catalog';
import {
  byteLevels,
  type DiskPoint,
  describeForecast,
  floorOf,
  forecastFloor,
  formatBytes,
  isWorse,
  nextCheckMs,
  nextLevel,
  type PressureFigures,
  type PressureLevel,
  RUSH_WINDOW_MS,
  rememberPoint,
  type Space,
  stopsSpawns,
  TREND_WINDOW_MS,
  withDeadline,
} from '@spica/core';
import { type AuditEntry, checkMarker, readImageHost, readSpace } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { pledgeGrowth } from '../image/pledge.ts';
import { endsWithin } from '../runtime/endings.ts';
import { refreshDiskDoubt } from './disk-doubt.ts';
import { DISK_MS } from './disk-trouble.ts';
import { figuresOf } from './figures.ts';
import { type Responder, relieve, stopSpawns } from './respond.ts';
import { openSpawnPause, type SpawnPause } from './spawn-pause.ts';
import { readUse } from './use.ts';

/** Redis may be gone, and its client waits for it; the disk does not. */
const REDIS_MS = 3_000;
/** Who closes waits no longer than this for a look that is under way. */
const CLOSE_MS = 3_000;
/** How often what was seen is kept in Redis, for `spica status` and the next start. */
const KEEP_EVERY_MS = 15_000;
/** So many changes of level are kept for an audit log that takes none. */
const MOST_UNWRITTEN = 1_000;

export interface Monitor {
  close(): Promise<void>;
}

/**
 * Watches a pool's disk: levels of pressure with hysteresis, what each asks for, and the history that forecasts come
 * from. Works without Redis: what frees space at a critical level needs the disk alone.
 */
export async function startMonitor(ctx: ServedContext, responder: Responder): Promise<Monitor> {
  const told = (await ctx.catalog.pressure())?.level ?? 'ok';
  const watch = createWatch(ctx, { ...responder, pause: await openSpawnPause(ctx) }, told);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let running: Promise<void> = Promise.resolve();
  const run = () => {
    running = watch.look().then((nextMs) => {
      if (!closed) timer = setTimeout(run, nextMs);
    });
  };
  run();
  await running; // a full disk is known before the pool counts as served; clones begun until then are given up
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      if (!(await endsWithin(running, CLOSE_MS)))
        ctx.logger.warn('the look at the disk is left in the middle');
      await watch.keep();
    },
  };
}

interface Watch {
  /** Looks once, does what the level asks for, and resolves with when to look again (milliseconds). Never throws. */
  look(): Promise<number>;
  keep(): Promise<void>;
}

/** `told`: the level that was told of last, by whoever served the pool then. */
function createWatch(
  ctx: ServedContext,
  responder: Responder & { readonly pause: SpawnPause },
  told: PressureLevel,
): Watch {
  const { disk } = ctx.policy; // its settings may change while this runs
  let level: PressureLevel = 'ok';
  let toldLevel = told;
  let since = ctx.clock.now();
  let history: DiskPoint[] | null = null;
  let keptAt = 0;
  let warned = false;
  /** What the audit log has still to take: on a full disk it may take nothing for a while. */
  let unwritten: AuditEntry[] = [];

  async function remember(space: Space, levels: PressureFigures): Promise<void> {
    history ??= await ctx.catalog.diskHistory();
    const imageHost = await readHost();
    history = rememberPoint(history, await readUse(ctx, space, imageHost?.availableBytes ?? null));
    const [at, { floor: floorBytes, target: targetBytes }] = [ctx.clock.now(), levels];
    const { totalBytes, availableBytes, freeInodes } = space;
    const seen = { at, totalBytes, availableBytes, freeInodes, floorBytes, targetBytes, imageHost };
    ctx.gate.disk = { ...seen, forecast: forecast(floorBytes, TREND_WINDOW_MS) };
    ctx.publisher.soon();
    if (at - keptAt >= KEEP_EVERY_MS) await keep();
  }

  /** The disk that the pool's image lies on, where it takes more of it as it fills. */
  async function readHost(): Promise<DiskSeen['imageHost']> {
    const host = ctx.image && (await readImageHost(ctx.pool.paths.root));
    if (!host) return null;
    const { availableBytes } = host.space;
    return { availableBytes, floorBytes: floorOf(disk, null).bytes, mayGrowBytes: host.mayGrowBytes };
  }

  async function keep(): Promise<void> {
    keptAt = ctx.clock.now();
    await attempt('keeping the pressure in Redis', async () => {
      // As long as spawns are paused, whoever starts next has to know.
      if (stopsSpawns(level) || !responder.pause.isPaused) {
        const reason = level === 'unwritable' ? ctx.diskWrites.problem() : null;
        await ctx.catalog.savePressure({ level, since, at: keptAt, reason });
      }
      if (history) await ctx.catalog.saveDiskHistory(history);
    });
  }

  /** One thing that fails must not keep the others from being done. */
  async function attempt(what: string, work: () => Promise<unknown>, deadlineMs = REDIS_MS): Promise<void> {
    try {
      await withDeadline(work(), deadlineMs, what);
    } catch (error) {
      ctx.logger.warn({ err: error }, `${what} failed`);
    }
  }

  async function writeAudit(): Promise<void> {
    if (unwritten.length === 0) return;
    const entries = unwritten;
    unwritten = [];
    await attempt('the audit log', async () => {
      try {
        await ctx.audit.append(entries);
      } catch (error) {
        unwritten = [...entries, ...unwritten].slice(-MOST_UNWRITTEN);
        throw error;
      }
    });
  }

  async function enter(next: PressureLevel, why: { reason: string; freeBytes?: number }): Promise<void> {
    const before = level;
    level = next;
    since = ctx.clock.now();
    const worse = isWorse(next, before);
    const log = stopsSpawns(next) ? 'error' : worse ? 'warn' : 'info';
    ctx.logger[log]({ level: next, before, ...why }, `pressure on the disk: ${next} (was ${before})`);
    unwritten.push({
      action: 'pressure',
      at: new Date(since).toISOString(),
      reason: why.reason,
      ...(why.freeBytes === undefined ? {} : { bytes: why.freeBytes }),
      outcome: `${before} → ${next}`,
    });
    if (!worse) await attempt('waking held requests', () => ctx.gate.line.wake());
    await keep();
  }

  /** A level is told of once, whoever served the pool when it was entered, or left. */
  function tell(reason: string): void {
    if (level !== toldLevel) ctx.observe({ kind: 'pressure', level, before: toldLevel, reason });
    toldLevel = level;
  }

  function forecast(floorBytes: number, windowMs: number) {
    return forecastFloor({ history: history ?? [], floorBytes, now: ctx.clock.now(), windowMs });
  }

  function warnOfForecast(): void {
    const trend = ctx.gate.disk?.forecast ?? { trend: 'unknown' };
    const near = trend.trend === 'filling' && trend.untilFloorMs < disk.forecastWarnMs;
    if (near && !warned) ctx.logger.warn({ forecast: describeForecast(trend) }, 'the disk is filling');
    warned = near;
  }

  /** Deals with a disk that takes no writes. Resolves with when to look again. */
  async function endure(reason: string): Promise<number> {
    const entered = level !== 'unwritable';
    await stopSpawns(responder, { entered, reason: 'the disk takes no writes' }, attempt);
    if (entered) await enter('unwritable', { reason });
    tell(reason);
    await writeAudit();
    return disk.checkEveryMs;
  }

  async function judge(): Promise<number> {
    const space = await withDeadline(ctx.gauge.read({ maxAgeMs: 0 }), DISK_MS, 'the disk');
    const { bytes, inodes } = figuresOf(ctx, space);
    ctx.gate.floorBytes = bytes.floor;
    const own = inodes ? [bytes, inodes] : [bytes];
    const below = await readBelow(floorOf(disk, null).bytes);
    const next = nextLevel(level, [...own, ...below]);
    const changed = next !== level;
    const isOwnCritical = nextLevel(level, own) === 'critical';
    // Room first: on a full disk neither the audit log nor Redis can take a word.
    await relieve(ctx, responder, { level: next, entered: changed, isOwnCritical, bytes, inodes }, attempt);
    const why = describeFigures(leastOf([bytes, ...below]));
    if (changed) await enter(next, why);
    tell(why.reason);
    await writeAudit();
    await attempt('remembering the use of the disk', () => remember(space, bytes));
    await attempt('counting what the image may grow by', () => pledgeGrowth(ctx, ctx.pool.paths.root));
    await attempt('comparing df and statfs', () => refreshDiskDoubt(ctx));
    warnOfForecast();
    return nextCheckMs({
      level,
      checkEveryMs: disk.checkEveryMs,
      forecast: forecast(bytes.floor, RUSH_WINDOW_MS),
    });
  }

  /** A disk below that cannot be read holds requests; it says nothing of the others. */
  async function readBelow(floorBytes: number): Promise<PressureFigures[]> {
    const found: PressureFigures[] = [];
    for (const { dir } of ctx.gate.below) {
      await attempt(`looking at ${dir}`, async () => {
        found.push(byteLevels(disk, (await readSpace(dir)).availableBytes, floorBytes));
      });
    }
    return found;
  }

  return {
    keep,
    async look() {
      try {
        // Another disk may be mounted there by now: its trash and its space are not for this pool to give up.
        await withDeadline(checkMarker(ctx.pool), DISK_MS, 'the disk');
        const problem = await ctx.diskWrites.check();
        return await (problem === null ? judge() : endure(problem));
      } catch (error) {
        const problem = await ctx.diskWrites.check();
        if (problem !== null) return endure(problem);
        ctx.logger.error({ err: error }, 'the disk could not be looked at');
        return disk.checkEveryMs;
      }
    },
  };
}

/** The figures of which the least is free, beyond where they become critical. */
function leastOf(figures: readonly [PressureFigures, ...PressureFigures[]]): PressureFigures {
  const room = ({ free, critical }: PressureFigures) => free - critical;
  return figures.reduce((least, each) => (room(each) < room(least) ? each : least));
}

function describeFigures({ free, target, floor, critical }: PressureFigures) {
  const levels = [
    `low below ${formatBytes(target)}`,
    `short below ${formatBytes(floor)}`,
    `critical below ${formatBytes(critical)}`,
  ];
  return { reason: `${formatBytes(free)} free; ${levels.join(', ')}`, freeBytes: free };
}
