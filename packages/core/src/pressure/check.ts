import type { Forecast } from '../forecast/forecast.ts';
import { isWorse, type PressureLevel } from './level.ts';

/** How often the disk is looked at when it may fill soon. */
const CLOSE_MS = 1_000;
/** The floor is near when it may be reached within so many of the usual looks. */
const NEAR_LOOKS = 60;

/**
 * How long until the disk is looked at again: `disk.check_every`, or a second (if that is less) while it is short, or
 * when the forecast over the last minutes says that it may soon be.
 */
export function nextCheckMs(input: {
  level: PressureLevel;
  checkEveryMs: number;
  /** Over RUSH_WINDOW_MS. */
  forecast: Forecast;
}): number {
  const { level, checkEveryMs, forecast } = input;
  const near = forecast.trend === 'filling' && forecast.soonestMs <= NEAR_LOOKS * checkEveryMs;
  return near || isWorse(level, 'low') ? Math.min(CLOSE_MS, checkEveryMs) : checkEveryMs;
}
