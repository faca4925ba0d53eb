import type { Catalog } from '@spica/catalog';
import {
  type DiskUse,
  describeForecast,
  describeProfile,
  type Forecast,
  floorOf,
  forecastFloor,
  type PoolConfig,
  type PressureLevel,
  TREND_WINDOW_MS,
} from '@spica/core';
import { toIso } from '../output/age.ts';

/** What is to be expected of a pool: how short its disk is, when the floor is reached, what instances become. */
export interface Outlook {
  /** As the worker last saw it; null before its first look. */
  readonly pressure: {
    readonly level: PressureLevel;
    readonly since: string | null;
    readonly reason: string | null;
  } | null;
  /** Who uses the disk: now, or where it is another host's as its worker last saw it; null before its first look. */
  readonly use: DiskUse | null;
  readonly forecast: Forecast & { readonly sentence: string };
  /** By template: what its finished instances say, in words; null where none has finished. */
  readonly profiles: Readonly<Record<string, string | null>>;
}

export async function readDiskForecast(
  catalog: Catalog,
  { templates, disk }: PoolConfig,
  { floor, use, now }: { floor: number | null; use: DiskUse | null; now: number },
): Promise<Outlook> {
  const [pressure, history, profiles] = await Promise.all([
    catalog.pressure(),
    catalog.diskHistory(),
    Promise.all(Object.keys(templates).map((name) => describe(catalog, name))),
  ]);
  const floorBytes = floor ?? floorOf(disk, null).bytes;
  const forecast = forecastFloor({ history, floorBytes, now, windowMs: TREND_WINDOW_MS });
  return {
    pressure: pressure && { level: pressure.level, since: toIso(pressure.since), reason: pressure.reason },
    use: use ?? history.at(-1) ?? null,
    forecast: { ...forecast, sentence: describeForecast(forecast) },
    profiles: Object.fromEntries(profiles),
  };
}

async function describe(catalog: Catalog, template: string): Promise<[string, string | null]> {
  const profile = await catalog.readProfile(`template:${template}`);
  return [template, profile && describeProfile(profile)];
}
