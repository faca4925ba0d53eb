import {
  byteLevels,
  type DiskPoint,
  describeForecast,
  floorOf,
  forecastFloor,
  formatBytes,
  inodeLevels,
  isWorse,
  nextCheckMs,
  nextLevel,
  type PressureFigures,
  type PressureLevel,
  RUSH_WINDOW_MS,
  rememberPoint,
  type Space,
  TREND_WINDOW_MS,
} from '@spica/core';
import { type AuditEntry, checkMarker, withDeadline } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { refreshDiskDoubt } from './disk-doubt.ts';
import { type Responder, relieve } from './respond.ts';
import { openSpawnPause, type SpawnPause } from './spawn-pause.ts';
import { readUse } from './use.ts';

/** Redis may be gone, and its client waits for it; the disk does not. */
const REDIS_MS = 3_000;
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
  const watch = createWatch(ctx, { ...responder, pause: await openSpawnPause(ctx) });
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
      await running;
      await watch.keep();
    },
  };
}

interface Watch {
  /** Looks once, does what the level asks for, and resolves with when to look again (milliseconds). Never throws. */
  look(): Promise<number>;
  keep(): Promise<void>;
}

function createWatch(ctx: ServedContext, responder: Responder & { readonly pause: SpawnPause }): Watch {
  const { disk } = ctx.policy; // its settings may change while this runs
  let level: PressureLevel = 'ok';
  let since = ctx.clock.now();
  let history: DiskPoint[] | null = null;
  let keptAt = 0;
  let warned = false;
  /** What the audit log has still to take: on a full disk it may take nothing for a while. */
  let unwritten: AuditEntry[] = [];

  async function remember(space: Space): Promise<void> {
    history ??= await ctx.catalog.diskHistory();
    history = rememberPoint(history, await readUse(ctx, space));
    if (ctx.clock.now() - keptAt >= KEEP_EVERY_MS) await keep();
  }

  async function keep(): Promise<void> {
    keptAt = ctx.clock.now();
    await attempt('keeping the pressure in Redis', async () => {
      // As long as spawns are paused, whoever starts next has to know.
      if (level === 'critical' || !responder.pause.isPaused) {
        await ctx.catalog.savePressure({ level, since, at: keptAt });
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

  async function enter(next: PressureLevel, figures: PressureFigures): Promise<void> {
    const before = level;
    level = next;
    since = ctx.clock.now();
    const sentence = `${formatBytes(figures.free)} free; low below ${formatBytes(figures.target)}, short below ${formatBytes(figures.floor)}, critical below ${formatBytes(figures.critical)}`;
    const worse = isWorse(next, before);
    const log = next === 'critical' ? 'error' : worse ? 'warn' : 'info';
    ctx.logger[log](
      { level: next, before, freeBytes: figures.free },
      `pressure on the disk: ${next} (was ${before})`,
    );
    unwritten.push({
      action: 'pressure',
      at: new Date(since).toISOString(),
      reason: sentence,
      bytes: figures.free,
      outcome: `${before} → ${next}`,
    });
    if (!worse) await attempt('waking held requests', () => ctx.gate.line.wake());
    await keep();
  }

  function forecast(floorBytes: number, windowMs: number) {
    return forecastFloor({ history: history ?? [], floorBytes, now: ctx.clock.now(), windowMs });
  }

  function warnOfForecast(floorBytes: number): void {
    const trend = forecast(floorBytes, TREND_WINDOW_MS);
    const near = trend.trend === 'filling' && trend.untilFloorMs < disk.forecastWarnMs;
    if (near && !warned) ctx.logger.warn({ forecast: describeForecast(trend) }, 'the disk is filling');
    warned = near;
  }

  return {
    keep,
    async look() {
      try {
        // Another disk may be mounted there by now: its trash and its space are not for this pool to give up.
        await checkMarker(ctx.pool);
        const space = await ctx.gauge.read({ maxAgeMs: 0 });
        const floor = floorOf(ctx.policy.disk, space.totalInodes);
        const bytes = byteLevels(ctx.policy.disk, space.availableBytes, floor.bytes);
        const inodes = space.freeInodes === null ? null : inodeLevels(space.freeInodes, floor.inodes);
        const next = nextLevel(level, inodes ? [bytes, inodes] : [bytes]);
        const changed = next !== level;
        // Room first: on a full disk neither the audit log nor Redis can take a word.
        await relieve(ctx, responder, { level: next, entered: changed, bytes, inodes }, attempt);
        if (changed) await enter(next, bytes);
        await writeAudit();
        await attempt('remembering the use of the disk', () => remember(space));
        await attempt('comparing df and statfs', () => refreshDiskDoubt(ctx));
        warnOfForecast(floor.bytes);
        return nextCheckMs({
          level,
          checkEveryMs: disk.checkEveryMs,
          forecast: forecast(floor.bytes, RUSH_WINDOW_MS),
        });
      } catch (error) {
        ctx.logger.error({ err: error }, 'the disk could not be looked at');
        return disk.checkEveryMs;
      }
    },
  };
}
