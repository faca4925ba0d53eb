import { countOf } from '../units/count.ts';
import { formatDuration } from '../units/duration.ts';

/** What the breaker remembers: plain data, to be kept wherever the caller keeps such. */
export interface Breaker {
  /** Spawns in a row that failed for reasons of the host. */
  readonly failures: number;
  /** Epoch milliseconds; null while it is closed and lets everybody through. */
  readonly openedAt: number | null;
  /** The one request that was admitted after the cooldown (the breaker is half open), and when; null without one. */
  readonly probe: { readonly request: string; readonly since: number } | null;
  /** What opened it, where that was not spawns that failed in a row. */
  readonly cause: string | null;
}

/** `gate.breaker`. */
export interface BreakerTerms {
  readonly failures: number;
  readonly cooldownMs: number;
}

/** How a spawn ended: a refusal, a cancellation, a full disk or a bad template says nothing of the host. */
export type SpawnEnd = 'success' | 'host-failure' | 'refusal';

export const CLOSED_BREAKER: Breaker = { failures: 0, openedAt: null, probe: null, cause: null };

/**
 * Why the breaker holds a request at `now`; null where it does not. Closed: it never does. Open: until the cooldown has
 * passed. Half open: unless the request is the probe, or there is none.
 */
export function heldByBreaker(
  breaker: Breaker,
  { request, now, terms }: { request: string; now: number; terms: BreakerTerms },
): string | null {
  const { openedAt, probe } = breaker;
  if (openedAt === null) return null;
  const failed = describeCause(breaker);
  const leftMs = stillToWait(openedAt, now, terms.cooldownMs);
  if (leftMs > 0)
    return `${failed}: all requests are held for another ${formatDuration(ceilToSecond(leftMs))}`;
  // A probe that never said how it ended, because its worker was killed, must not keep the gate shut for ever.
  const isTaken = probe !== null && probe.request !== request;
  if (!isTaken || stillToWait(probe.since, now, terms.cooldownMs) === 0) return null;
  return `${failed}: request ${probe.request} is let through to see whether spawns work again`;
}

/** What opened a breaker, for people. */
export function describeCause({ failures, cause }: Breaker): string {
  return cause ?? `${countOf(failures, 'spawn')} in a row failed for reasons of the host`;
}

/** The breaker when the host failed otherwise than by a spawn: it is open from then on, as after too many of them. */
export function openBreaker(breaker: Breaker, { cause, now }: { cause: string; now: number }): Breaker {
  return { ...breaker, openedAt: now, probe: null, cause };
}

/**
 * The breaker after a spawn's end. A success closes it, whosever it is. While it is open only its probe's failure
 * counts, and opens it anew: spawns that were on their way when it opened prolong nothing.
 */
export function noteSpawn(
  breaker: Breaker,
  { request, end, now, terms }: { request: string; end: SpawnEnd; now: number; terms: BreakerTerms },
): Breaker {
  const isProbe = breaker.probe?.request === request;
  if (end === 'success') return CLOSED_BREAKER;
  if (end === 'refusal') return isProbe ? { ...breaker, probe: null, cause: null } : breaker;
  if (breaker.openedAt !== null && !isProbe) return breaker;
  const failures = breaker.failures + 1;
  const opens = isProbe || failures >= terms.failures;
  return { failures, openedAt: opens ? now : null, probe: null, cause: null };
}

/** A clock that was set back must not prolong a wait: what lies in the future has passed. */
function stillToWait(since: number, now: number, waitMs: number): number {
  return now < since ? 0 : Math.max(0, since + waitMs - now);
}

function ceilToSecond(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000;
}
