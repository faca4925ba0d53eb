import type { PublishedGate } from '@spica/catalog';
import {
  describeForecast,
  describePolicy,
  forecastBand,
  forecastFloor,
  isoTime,
  type RetentionPolicy,
  TREND_WINDOW_MS,
} from '@spica/core';
import { countWorkers, parsePayload } from '@spica/queues';
import type { DiskHistory, PoolView } from '../view.ts';
import { type HistoryQuery, historyQuerySchema } from '../wire/queries.ts';
import type { CatalogPool, Connection } from './connection.ts';
import { toVerdict } from './verdict.ts';

/** How a pool stands, by what its worker has published. Reads no instance. */
export async function readPool({
  catalog,
  redis,
  name,
}: Pick<Connection, 'catalog' | 'redis' | 'name'>): Promise<PoolView> {
  const [published, pressure, clock, instances, workers, identity, reconciled] = await Promise.all([
    catalog.publishedGate(),
    catalog.pressure(),
    catalog.clockState(),
    catalog.count(),
    countWorkers(redis, name),
    catalog.identity(),
    catalog.reconciled(),
  ]);
  const nothing = { bytes: 0, inodes: 0 };
  const served = workers.gate === null ? null : workers.gate > 0;
  const clockSuspended = clock.suspended?.reason ?? null;
  return {
    pool: name,
    verdict: toVerdict({ published, pressure, clockSuspended, served, now: Date.now() }),
    at: published && isoTime(published.at),
    served,
    instances,
    maxInstances: published?.retention?.maxInstances ?? null,
    reserved: published?.sums.reserved ?? { ...nothing, slots: 0 },
    growth: published?.sums.growth ?? nothing,
    ownBytes: published?.ownBytes ?? 0,
    ...diskOf(published),
    policy: policyOf(published),
    blind: published?.retention?.blind ?? null,
    host: published?.facts?.host ?? null,
    filesystem: published?.facts?.filesystem ?? null,
    clonesBy: identity?.method ?? null,
    audit: published && auditOf(published.audit),
    pressure: pressure && { level: pressure.level, since: isoTime(pressure.since), reason: pressure.reason },
    clockSuspended,
    deletionsHeldUntil:
      reconciled && reconciled.graceUntil > clock.redisNow ? isoTime(reconciled.graceUntil) : null,
    held: (published?.held ?? []).map(({ request, count, heldAt, reason, short }) => ({
      request,
      count,
      since: isoTime(heldAt),
      reason,
      whatWouldHelp: short?.help ?? null,
    })),
    heldCount: published?.heldCount ?? 0,
  };
}

function diskOf(published: PublishedGate | null): Pick<PoolView, 'disk' | 'imageHost'> {
  if (!published?.disk) return { disk: null, imageHost: null };
  const { totalBytes, availableBytes, floorBytes, targetBytes, freeInodes, imageHost } = published.disk;
  return { disk: { totalBytes, availableBytes, floorBytes, targetBytes, freeInodes }, imageHost };
}

function policyOf(published: PublishedGate | null): PoolView['policy'] {
  if (!published?.retention || !published.facts) return null;
  const retention: RetentionPolicy = published.retention;
  const { minFreeBytes, maxInstanceBytes, maxPoolBytes } = published.facts;
  const { maxInstances, maxAgeMs, keepBest } = retention;
  const limits = { maxInstances, maxAgeMs, keepBest, minFreeBytes, maxInstanceBytes, maxPoolBytes };
  return { sentence: describePolicy(retention), ...limits };
}

function auditOf(checked: PublishedGate['audit']): NonNullable<PoolView['audit']> {
  if (checked === null) {
    const sentence = 'the chain of the audit log has not been checked yet';
    return { state: 'unchecked', entries: 0, checkedAt: null, sentence };
  }
  const { entries, problem } = checked;
  const checkedAt = isoTime(checked.checkedAt);
  return problem === null
    ? { state: 'intact', entries, checkedAt, sentence: `the chain of ${entries} entries holds` }
    : { state: 'broken', entries, checkedAt, sentence: `the chain does not hold: ${problem}` };
}

const HOUR_MS = 3_600_000;
/** A forecast is shown for so much of the time that is looked back at, and no further than that. */
const BAND = { share: 1 / 4, mostMs: 72 * HOUR_MS };

/** Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export async function readHistory({ catalog }: CatalogPool, query: HistoryQuery): Promise<DiskHistory> {
  const { hours } = parsePayload(historyQuerySchema, query, 'history');
  const now = Date.now();
  const from = now - hours * HOUR_MS;
  // The trend is taken from as much as it takes, however little is looked at.
  const [history, { marks }, published] = await Promise.all([
    catalog.diskHistory(Math.min(from, now - TREND_WINDOW_MS)),
    catalog.diskMarks(),
    catalog.publishedGate(),
  ]);
  const floorBytes = published?.floorBytes ?? null;
  return {
    points: history.filter(({ at }) => at >= from).map(({ at, ...rest }) => ({ at: isoTime(at), ...rest })),
    marks: marks
      .filter(({ at }) => at >= from)
      .map(({ at, kind, count, text, seq }) => ({ at: isoTime(at), kind, count, text, seq })),
    forecast: floorBytes === null ? null : forecastOf({ history, floorBytes, now, hours, published }),
    floorBytes,
    targetBytes: published?.disk?.targetBytes ?? null,
  };
}

function forecastOf({
  history,
  floorBytes,
  now,
  hours,
  published,
}: {
  readonly history: Parameters<typeof forecastFloor>[0]['history'];
  readonly floorBytes: number;
  readonly now: number;
  readonly hours: number;
  readonly published: PublishedGate | null;
}): DiskHistory['forecast'] {
  const input = { history, now, windowMs: TREND_WINDOW_MS };
  const forecast = forecastFloor({ ...input, floorBytes });
  const totalBytes = published?.disk?.totalBytes ?? Number.MAX_SAFE_INTEGER;
  const horizonMs = Math.min(BAND.mostMs, hours * HOUR_MS * BAND.share);
  const band = forecastBand({ ...input, totalBytes, horizonMs });
  return {
    ...forecast,
    sentence: describeForecast(forecast),
    band: band.map(({ at, ...rest }) => ({ at: isoTime(at), ...rest })),
  };
}
