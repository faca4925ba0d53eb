import { formatDuration } from '../units/duration.ts';
import { type Slope, theilSen } from './theil-sen.ts';

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

/** The same forecast, so much later; milliseconds. */
export function forecastAfter(forecast: Forecast, ms: number): Forecast {
  if (forecast.trend !== 'filling') return forecast;
  const left = (until: number) => Math.max(0, until - ms);
  const { untilFloorMs, soonestMs, latestMs } = forecast;
  return {
    ...forecast,
    untilFloorMs: left(untilFloorMs),
    soonestMs: left(soonestMs),
    latestMs: left(latestMs),
  };
}

const FEWEST_POINTS = 8;
/** Points must reach back over so much of the window. */
const LEAST_SPAN_SHARE = 1 / 6;
/** A floor that is further away than this is not in sight. */
const HORIZON_MS = 30 * 24 * 3_600_000;
const HOUR_MS = 3_600_000;

/** Pairs of points are compared: of more than this the trend takes so many, evenly. */
const MOST_POINTS = 200;

/** The disk as it was at times, oldest first, as rememberPoint keeps it. */
export type Availability = readonly { readonly at: number; readonly availableBytes: number }[];

/** How the available bytes change, in bytes a millisecond, and the point that it goes on from. */
interface Trend {
  readonly slope: Slope;
  readonly last: Availability[number];
}

/** Null where the window holds too little to tell. */
function trendOf({
  history,
  now,
  windowMs,
}: {
  readonly history: Availability;
  readonly now: number;
  readonly windowMs: number;
}): Trend | null {
  const recent = history.filter(({ at }) => at > now - windowMs && at <= now);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined) return null;
  if (recent.length < FEWEST_POINTS || last.at - first.at < windowMs * LEAST_SPAN_SHARE) return null;
  const step = Math.ceil(recent.length / MOST_POINTS);
  const taken = recent.filter((_, i) => (recent.length - 1 - i) % step === 0);
  const slope = theilSen(taken.map(({ at, availableBytes }) => ({ x: at - first.at, y: availableBytes })));
  return slope && { slope, last };
}

/**
 * When the floor will be reached if the disk goes on to fill as it did within the window: by the median slope, and
 * between the steepest and the flattest that the points allow. Times are epoch milliseconds.
 */
export function forecastFloor(input: {
  history: Availability;
  floorBytes: number;
  now: number;
  windowMs: number;
}): Forecast {
  const { now, floorBytes } = input;
  const trend = trendOf(input);
  if (trend === null) return { trend: 'unknown' };
  const { slope, last } = trend;
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

/** What may be available at a time to come. */
export interface BandPoint {
  readonly at: number;
  readonly lowBytes: number;
  readonly highBytes: number;
}

const BAND_STEPS = 24;

/**
 * What will be available until `horizonMs` after the last point, if the disk goes on as it did within the window: from that
 * point on between the lines of the steepest and of the flattest slope that the points allow (`theilSen`'s 95 %), so that
 * the lower one meets the floor `soonestMs` from now and the upper one `latestMs`. Empty where no trend is known.
 */
export function forecastBand(input: {
  history: Availability;
  /** More than this cannot be available. */
  totalBytes: number;
  now: number;
  windowMs: number;
  horizonMs: number;
}): BandPoint[] {
  const trend = trendOf(input);
  if (trend === null) return [];
  const { slope, last } = trend;
  const within = (bytes: number) => Math.round(Math.min(input.totalBytes, Math.max(0, bytes)));
  return Array.from({ length: BAND_STEPS + 1 }, (_, step) => {
    const afterMs = (input.horizonMs * step) / BAND_STEPS;
    return {
      at: Math.round(last.at + afterMs),
      lowBytes: within(last.availableBytes + slope.low * afterMs),
      highBytes: within(last.availableBytes + slope.high * afterMs),
    };
  });
}

/** A forecast for people: `stable`, `floor reached in about 5h40m (4h10m to 8h)`. */
export function describeForecast(forecast: Forecast): string {
  if (forecast.trend === 'unknown') return 'not known yet: it takes an hour of readings';
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
