import {
  type Breaker,
  type BreakerTerms,
  CLOSED_BREAKER,
  noteSpawn,
  type SpawnEnd,
} from '../admission/breaker.ts';
import { recentStarts, type SpawnStart } from '../admission/rate.ts';

/** What was released, and for which request, as long as none of its spawns has ended. */
export interface RequestStart extends SpawnStart {
  readonly request: string | null;
}

/** What may hold requests besides room: the breaker, and how many instances were released within the last hour. */
export interface Limits {
  readonly breaker: Breaker;
  readonly starts: readonly RequestStart[];
}

export const NO_LIMITS: Limits = { breaker: CLOSED_BREAKER, starts: [] };

/** The starts of all requests but this one: a request whose run was cut off is released again, and counts once. */
export function startsOfOthers({ starts }: Limits, request: string): RequestStart[] {
  return starts.filter((start) => start.request !== request);
}

/**
 * The limits after a request was admitted: its instances count as started, and while the breaker is half open the
 * request is its probe.
 *
 * @param countStarts Whether starts are counted at all (`gate.max_spawns_per_hour` is set).
 */
export function afterAdmission(
  limits: Limits,
  { request, count, now, countStarts }: { request: string; count: number; now: number; countStarts: boolean },
): Limits {
  const { breaker } = limits;
  const isProbe = breaker.openedAt !== null && breaker.probe?.request !== request;
  return {
    breaker: isProbe ? { ...breaker, probe: { request, since: now } } : breaker,
    starts: countStarts
      ? [...recentStarts(startsOfOthers(limits, request), now), { at: now, count, request }]
      : limits.starts,
  };
}

/** The limits after one of a request's spawns has ended: from then on what it was released for counts for good. */
export function afterSpawn(
  { breaker, starts }: Limits,
  { request, end, now, terms }: { request: string; end: SpawnEnd; now: number; terms: BreakerTerms },
): Limits {
  return {
    breaker: noteSpawn(breaker, { request, end, now, terms }),
    starts: starts.map((start) => (start.request === request ? { ...start, request: null } : start)),
  };
}
