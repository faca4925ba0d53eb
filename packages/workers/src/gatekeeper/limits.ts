import { isDeepStrictEqual } from 'node:util';
import type { Catalog, GateState, RequestStart } from '@spica/catalog';
import {
  askBreaker,
  CLOSED_BREAKER,
  type Clock,
  type Config,
  checkRate,
  noteSpawn,
  RefusedError,
  recentStarts,
  type SpawnEnd,
} from '@spica/core';

/** What may hold requests besides the disk: the breaker, and how much is spawned in an hour. */
export interface Limits {
  /** Why a request may not go on to be decided now; null when it may. Throws RefusedError RATE_EXCEEDED for never. */
  ask(request: string, count: number): Promise<string | null>;
  /**
   * Counts a request's instances as released to be spawned, unless others were meanwhile and with these there would be
   * too many: then resolves with why, else with null. A request that is released again since its run was cut off counts
   * once, as long as none of its spawns has ended.
   */
  release(request: string, count: number): Promise<string | null>;
  /** How a spawn of a request ended. */
  ended(request: string, end: SpawnEnd): Promise<void>;
}

interface LimitsOptions {
  readonly catalog: Pick<Catalog, 'gateState' | 'saveGateState'>;
  readonly config: Pick<Config, 'gate'>;
  readonly clock: Clock;
  /** Told when the breaker opens (with why) and when it closes. */
  readonly onBreaker: (opened: string | null) => Promise<void>;
}

/**
 * Keeps the limits of one pool's gate. One process serves a pool, so the state is read once and then kept here; Redis has
 * it for the next start. One change at a time: of two requests that ask, only one is the breaker's trial.
 */
export function createLimits({ catalog, config, clock, onBreaker }: LimitsOptions): Limits {
  const { gate } = config; // its settings may change while this runs
  let state: GateState | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: (state: GateState) => Promise<T>): Promise<T> {
    const next = turn.then(async () => {
      state ??= (await catalog.gateState()) ?? { breaker: CLOSED_BREAKER, starts: [] };
      return work(state);
    });
    turn = next.catch(() => undefined); // told to whoever asked
    return next;
  }

  async function keep(next: GateState): Promise<void> {
    if (isDeepStrictEqual(next, state)) return;
    state = next;
    await catalog.saveGateState(next);
  }

  return {
    ask: (request, count) =>
      inTurn(async ({ breaker, starts }) => {
        const now = clock.now();
        const rate = checkRate({ starts: notOf(request, starts), count, most: gate.maxSpawnsPerHour, now });
        if (rate.verdict === 'never') throw new RefusedError('RATE_EXCEEDED', rate.reason);
        if (rate.verdict === 'later') return rate.reason;
        const asked = askBreaker(breaker, { request, now, terms: gate.breaker });
        await keep({ breaker: asked.breaker, starts });
        return asked.answer.pass ? null : asked.answer.reason;
      }),
    release: (request, count) =>
      inTurn(async ({ breaker, starts }) => {
        if (gate.maxSpawnsPerHour === null) return null;
        const now = clock.now();
        const others = notOf(request, starts);
        const rate = checkRate({ starts: others, count, most: gate.maxSpawnsPerHour, now });
        if (rate.verdict !== 'within') return rate.reason;
        await keep({ breaker, starts: [...recentStarts(others, now), { at: now, count, request }] });
        return null;
      }),
    ended: (request, end) =>
      inTurn(async ({ breaker, starts }) => {
        const next = noteSpawn(breaker, { request, end, now: clock.now(), terms: gate.breaker });
        const opened = next.openedAt !== null && next.openedAt !== breaker.openedAt;
        const closed = next.openedAt === null && breaker.openedAt !== null;
        await keep({ breaker: next, starts: starts.map((start) => spent(start, request)) });
        if (opened) await onBreaker(`${next.failures} spawns in a row failed for reasons of the host`);
        if (closed) await onBreaker(null);
      }),
  };
}

function notOf(request: string, starts: readonly RequestStart[]): RequestStart[] {
  return starts.filter((start) => start.request !== request);
}

/** What a request was released for counts for good once one of its spawns has ended. */
function spent(start: RequestStart, request: string): RequestStart {
  return start.request === request ? { ...start, request: null } : start;
}
