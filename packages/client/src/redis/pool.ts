import { describeForecast, forecastFloor, isoTime, TREND_WINDOW_MS } from '@spica/core';
import { countWorkers } from '@spica/queues';
import type { DiskHistory, PoolView } from '../view.ts';
import type { CatalogPool, Connection } from './connection.ts';

/** How a pool stands, by what its worker has published. */
export async function readPool({ catalog, redis, name }: Connection): Promise<PoolView> {
  const [published, pressure, clock, instances, workers] = await Promise.all([
    catalog.publishedGate(),
    catalog.pressure(),
    catalog.clockState(),
    catalog.count(),
    countWorkers(redis, name),
  ]);
  const nothing = { bytes: 0, inodes: 0 };
  return {
    pool: name,
    served: workers.gate === null ? null : workers.gate > 0,
    instances,
    maxInstances: published?.retention?.maxInstances ?? null,
    reserved: published?.sums.reserved ?? { ...nothing, slots: 0 },
    growth: published?.sums.growth ?? nothing,
    ownBytes: published?.ownBytes ?? 0,
    pressure: pressure && { level: pressure.level, since: isoTime(pressure.since), reason: pressure.reason },
    clockSuspended: clock.suspended?.reason ?? null,
    held: (published?.held ?? []).map(({ request, count, heldAt, reason }) => ({
      request,
      count,
      since: isoTime(heldAt),
      reason,
    })),
    heldCount: published?.heldCount ?? 0,
  };
}

export async function readHistory({ catalog }: CatalogPool): Promise<DiskHistory> {
  const [history, published] = await Promise.all([catalog.diskHistory(), catalog.publishedGate()]);
  const floorBytes = published?.floorBytes ?? null;
  const now = Date.now();
  const forecast =
    floorBytes === null ? null : forecastFloor({ history, floorBytes, now, windowMs: TREND_WINDOW_MS });
  return {
    points: history.map(({ at, ...rest }) => ({ at: isoTime(at), ...rest })),
    forecast: forecast && { ...forecast, sentence: describeForecast(forecast) },
  };
}
