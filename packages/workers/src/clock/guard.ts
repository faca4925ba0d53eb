import { randomBytes } from 'node:crypto';
import type { Catalog, ClockState } from '@spica/catalog';
import { type Clock, type Distrust, distrustClock } from '@spica/core';

/** Milliseconds of a clock that is never set, and goes on while the machine sleeps. */
export type Monotonic = () => number;

/** Says whether the host's clock can be trusted with ages. */
export interface ClockGuard {
  /** Why rules of age are suspended; null when they are in force. Looks at the clocks anew. */
  suspended(): Promise<string | null>;
  /**
   * The time by which leases, and whatever else protects, are judged: the host's clock, or while it is not trusted and
   * ahead, what it ought to say; whole milliseconds. A clock that is set forward must not end leases.
   */
  now(): number;
}

export interface ClockGuardOptions {
  readonly catalog: Pick<Catalog, 'clockState' | 'suspendAges'>;
  readonly clock: Clock;
  readonly monotonic: Monotonic;
  /** Told when rules of age are suspended (with the reason), and when they are in force again (null). */
  readonly onChange?: (reason: string | null) => Promise<void>;
}

/** Watches a host's clock against Redis's and against the monotonic one, from now on. */
export function createClockGuard({ catalog, clock, monotonic, onChange }: ClockGuardOptions): ClockGuard {
  const id = randomBytes(6).toString('hex');
  let anchor = { wall: clock.now(), monotonic: monotonic() };
  let confirmations: number | null = null;
  let current: Distrust | null = null;

  const expectedWall = () => anchor.wall + monotonic() - anchor.monotonic;

  function judge({ redisNow, acceptedOffsetMs }: ClockState): Distrust | null {
    return distrustClock({
      wall: clock.now(),
      redis: redisNow,
      acceptedOffsetMs,
      expectedWall: expectedWall(),
    });
  }

  /** A jump that another process saw lies before this one's start: it is reckoned with as if it had been seen here. */
  function inherit({ suspended }: ClockState): void {
    if (suspended?.kind === 'jump') anchor = { ...anchor, wall: anchor.wall - suspended.aheadMs };
  }

  return {
    async suspended() {
      const state = await catalog.clockState();
      if (confirmations === null) inherit(state);
      else if (state.confirmations > confirmations) {
        anchor = { wall: clock.now(), monotonic: monotonic() };
      }
      confirmations = state.confirmations;
      const found = judge(state);
      if (found?.reason !== state.suspended?.reason) {
        await catalog.suspendAges(found && { ...found, by: id });
      }
      if ((found === null) !== (current === null)) await onChange?.(found?.reason ?? null);
      current = found;
      return found?.reason ?? null;
    },
    now: () => clock.now() - Math.max(0, Math.round(current?.aheadMs ?? 0)),
  };
}
