import { formatDuration } from '../units/duration.ts';
import { theilSen } from './theil-sen.ts';

/** The past that a trend for people and for warnings is taken from: long enough that a spawn is no trend. */
export const TREND_WINDOW_MS = 6 * 3_600_000;
/** The past that tells how closely to watch: a disk that fills within minutes shows here only. */
export const RUSH_WINDOW_MS = 10 * 60_000;

export type Forecast =
  /** Too little is known. */
  | { readonly trend: 'unknown' }
  /** No trend, or one towards more room, or one too slow to matter. */
  | { readonly trend: 'stable' }
  /** The floor is reached in so many milliseconds, with an interval; 0 once it is reached. */
  | {
      readonly trend: 'filling';
      readonly untilFloorMs: number;
      readonly soonestMs: number;
      readonly latestMs: number;
      readonly bytesPerHour: number;
    };

const FEWEST_POINTS = 8;
/** Points must reach back over so much of the window. */
const LEAST_SPAN_SHARE = 1 / 6;
/** A floor that is further away than this is not in sight. */
const HORIZON_MS = 30 * 24 * 3_600_000;
const HOUR_MS = 3_600_000;

/**
 * When the floor will be reached if the disk goes on to fill as it did within the window: by the median slope, and
 * between the steepest and the flattest that the points allow. `history` is oldest first, as rememberPoint keeps it.
 */
export function forecastFloor(input: {
  history: readonly { readonly at: number; readonly availableBytes: number }[];
  floorBytes: number;
  /** Epoch milliseconds. */
  now: number;
  windowMs: number;
}): Forecast {
  const { now, windowMs, floorBytes } = input;
  const recent = input.history.filter(({ at }) => at > now - windowMs && at <= now);
  const first = recent[0];
  const last = recent.at(-1);
  if (first === undefined || last === undefined) return { trend: 'unknown' };
  if (recent.length < FEWEST_POINTS || last.at - first.at < windowMs * LEAST_SPAN_SHARE) {
    return { trend: 'unknown' };
  }
  const slope = theilSen(recent.map(({ at, availableBytes }) => ({ x: at - first.at, y: availableBytes })));
  if (slope === null) return { trend: 'unknown' };
  if (slope.high >= 0) return { trend: 'stable' };
  const leftBytes = Math.max(0, last.availableBytes - floorBytes);
  const until = (perMs: number) => Math.max(0, Math.round(leftBytes / -perMs - (now - last.at)));
  const untilFloorMs = until(slope.median);
  if (untilFloorMs > HORIZON_MS) return { trend: 'stable' };
  return {
    trend: 'filling',
    untilFloorMs,
    soonestMs: until(slope.low),
    latestMs: until(slope.high),
    bytesPerHour: -slope.median * HOUR_MS,
  };
}

/** A forecast for people: `stable`, `floor reached in about 5h40m (4h10m to 8h)`. */
export function describeForecast(forecast: Forecast): string {
  if (forecast.trend === 'unknown') return 'not known yet';
  if (forecast.trend === 'stable') return 'stable';
  const { untilFloorMs, soonestMs, latestMs } = forecast;
  if (untilFloorMs === 0) return 'filling, and at the floor';
  return `floor reached in about ${roughly(untilFloorMs)} (${roughly(soonestMs)} to ${roughly(latestMs)})`;
}

function roughly(ms: number): string {
  const unit =
    ms >= 48 * HOUR_MS ? 24 * HOUR_MS : ms >= 10 * HOUR_MS ? HOUR_MS : ms >= HOUR_MS ? 600_000 : 60_000;
  return ms < 60_000 ? 'under 1m' : formatDuration(Math.round(ms / unit) * unit);
}
