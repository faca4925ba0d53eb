import { countOf } from '../units/count.ts';
import { formatDuration } from '../units/duration.ts';

/** What the breaker remembers: plain data, to be kept wherever the caller keeps such. */
export interface Breaker {
  /** Spawns in a row that failed for reasons of the host. */
  readonly failures: number;
  /** Epoch milliseconds; null while it is closed and lets everybody through. */
  readonly openedAt: number | null;
  /** The one request that was let through after the cooldown, and when; null while there is none. */
  readonly trial: { readonly request: string; readonly since: number } | null;
}

/** `gate.breaker`. */
export interface BreakerTerms {
  readonly failures: number;
  readonly cooldownMs: number;
}

export type BreakerAnswer = { readonly pass: true } | { readonly pass: false; readonly reason: string };

/** How a spawn ended: a refusal, a cancellation or a bad template says nothing of the host. */
export type SpawnEnd = 'success' | 'host-failure' | 'refusal';

export const CLOSED_BREAKER: Breaker = { failures: 0, openedAt: null, trial: null };

/**
 * Whether a request may go on to be decided. Closed: yes. Open: not before the cooldown has passed, then one request,
 * which may ask again as often as it likes. Asking never prolongs anything. Keep the state that comes back.
 */
export function askBreaker(
  breaker: Breaker,
  { request, now, terms }: { request: string; now: number; terms: BreakerTerms },
): { readonly breaker: Breaker; readonly answer: BreakerAnswer } {
  const { openedAt, trial, failures } = breaker;
  if (openedAt === null) return { breaker, answer: { pass: true } };
  const failed = `${countOf(failures, 'spawn')} in a row failed for reasons of the host`;
  const leftMs = stillToWait(openedAt, now, terms.cooldownMs);
  if (leftMs > 0) {
    const reason = `${failed}: all requests are held for another ${formatDuration(ceilToSecond(leftMs))}`;
    return { breaker, answer: { pass: false, reason } };
  }
  // A trial that ended without saying how, because its worker was killed, must not keep the gate shut for ever.
  const isTaken = trial !== null && trial.request !== request;
  if (isTaken && stillToWait(trial.since, now, terms.cooldownMs) > 0) {
    const reason = `${failed}: request ${trial.request} is let through to see whether spawns work again`;
    return { breaker, answer: { pass: false, reason } };
  }
  const next = trial?.request === request ? trial : { request, since: now };
  return { breaker: { ...breaker, trial: next }, answer: { pass: true } };
}

/**
 * What the breaker makes of a spawn's end. A success closes it, whosever it is. While it is open only its trial's
 * failure counts: it opens anew. Spawns that were on their way when it opened prolong nothing.
 */
export function noteSpawn(
  breaker: Breaker,
  { request, end, now, terms }: { request: string; end: SpawnEnd; now: number; terms: BreakerTerms },
): Breaker {
  const isTrial = breaker.trial?.request === request;
  if (end === 'success') return CLOSED_BREAKER;
  if (end === 'refusal') return isTrial ? { ...breaker, trial: null } : breaker;
  if (breaker.openedAt !== null && !isTrial) return breaker;
  const failures = breaker.failures + 1;
  const opens = isTrial || failures >= terms.failures;
  return { failures, openedAt: opens ? now : null, trial: null };
}

/** A clock that was set back must not prolong a wait: what lies in the future has passed. */
function stillToWait(since: number, now: number, waitMs: number): number {
  return now < since ? 0 : Math.max(0, since + waitMs - now);
}

function ceilToSecond(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000;
}
